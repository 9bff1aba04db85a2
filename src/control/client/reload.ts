import { paths } from '../contract/contract.ts'
import { type PreviewRefusal, previewRefusals, type ReloadPreview, reloadPreviewSchema } from '../contract/reload.ts'
import { type Refused, send } from './request.ts'

/** What a reload would change in the Gatehouse behind this socket. Throws as `readStatus` does. */
export function readReloadPreview(socket: string): Promise<ReloadPreview | Refused<PreviewRefusal>> {
  const request = { method: 'GET', path: paths.reload, timeout: 30_000 } as const
  return send(socket, request, { result: reloadPreviewSchema, refusals: previewRefusals })
}
