import { type Check, quotedValue, valuePosition } from '../resolve/plan-context.ts'

// sun_path of sockaddr_un(7) holds 108 bytes on Linux and 104 on macOS, the closing NUL among them.
const maxLength = process.platform === 'darwin' ? 103 : 107

/** The system refuses a longer path only when the socket is opened, with an error that does not mention the length. */
export const socketPath: Check = (context, report) => {
  const path = ['control', 'socket']
  if (Buffer.byteLength(context.socket) <= maxLength) return
  report({
    code: 'wrong-value',
    at: valuePosition(context, path),
    message: `${context.config.control.socket === undefined ? context.socket : quotedValue(context, path)} is too long for a Unix socket`,
    hint: 'the system allows about 100 bytes: put it in a shorter folder, such as `/run/gatehouse.sock`',
  })
}
