import { X509Certificate } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../shared/errors.ts'
import { certificatesIn } from '../pem.ts'

export interface FoundCertificates {
  readonly certificates: readonly X509Certificate[]
  /** Files that are skipped, each as a sentence with a hint. */
  readonly problems: readonly string[]
}

/**
 * The certificates of a folder's `*.crt` and `*.pem` files, by name, without subfolders. A file with a mistake is
 * skipped as a whole. A folder that does not exist has none. Never rejects.
 */
export async function certificatesOfFolder(folder: string): Promise<FoundCertificates> {
  const certificates: X509Certificate[] = []
  const problems: string[] = []
  let names: string[] = []
  try {
    names = (await readdir(folder)).filter((name) => /\.(crt|pem)$/.test(name)).sort()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT')
      problems.push(`the folder ${folder} ${explain(code, `cannot be read (${code}); name a folder`)}`)
  }
  for (const name of names) {
    const path = join(folder, name)
    try {
      certificates.push(...(await certificatesOfFile(path)))
    } catch (error) {
      problems.push(`skipping ${path}: it ${messageOf(error)}`)
    }
  }
  return { certificates, problems }
}

/** Throws an error with a message that continues "the file ...". */
async function certificatesOfFile(path: string): Promise<readonly X509Certificate[]> {
  let content: Buffer
  try {
    content = await contentOf(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new Error(explain(code, `cannot be read (${code}); fix or remove it`))
  }
  const found = parsed(content)
  if (found.length === 0) throw new Error(`contains no certificate; ${hint}`)
  return found
}

/**
 * Does not wait for a named pipe. Follows links of any owner, since volumes of Kubernetes are made of them: only
 * certificates are read, which are public.
 */
async function contentOf(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    if (!(await file.stat()).isFile()) throw new Error('is not a regular file; put the certificate there, or rename it')
    return await file.readFile()
  } finally {
    await file.close()
  }
}

const hint = 'export it again as PEM, or remove the file'

function parsed(content: Buffer): readonly X509Certificate[] {
  try {
    const text = content.toString('latin1')
    // Files for Windows are often DER under the same name (RFC 2585 §3); a SEQUENCE begins with 0x30.
    return content[0] === 0x30 && !text.includes('-----BEGIN') ? [new X509Certificate(content)] : certificatesIn(text)
  } catch {
    throw new Error(`contains a certificate that does not parse; ${hint}`)
  }
}

function explain(code: string | undefined, otherwise: string): string {
  if (code === 'EACCES') return `is not readable by user ${process.geteuid?.()}; make it readable (chmod a+rX)`
  if (code === 'ENOENT') return 'is a dangling link; fix or remove it'
  return otherwise
}
