import '../../rts.ts'
