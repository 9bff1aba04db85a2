/** The product's own tool. */
import { sayCommandLine } from './listen.ts'

sayCommandLine('appsmithctl')
