/** The handler `reverse_proxy` as a directive. */
import type { Directive } from '../syntax/tree.ts'
import { duration, headerLines, line, word } from './lines.ts'
import { entriesOf, entry, isTrue, itemsOf, type Json, textOf } from './tree.ts'

export function proxyLine(handler: Json): Directive {
  return line(
    word(handler, 'reverse_proxy'),
    itemsOf(handler, 'upstreams').map((upstream) => entry(upstream, 'dial')),
    entriesOf(handler).flatMap(optionLines),
  )
}

function optionLines([name, value]: readonly [string, Json]): readonly Directive[] {
  switch (name) {
    case 'handler':
    case 'upstreams':
    case 'flush_interval':
      return []
    case 'headers':
      return [
        ...headerLines('header_up', entry(value, 'request')),
        ...headerLines('header_down', entry(value, 'response')),
      ]
    case 'load_balancing':
      return entriesOf(value).map(([key, json]) =>
        key === 'selection_policy'
          ? line(word(json, 'lb_policy'), [entry(json, 'policy')])
          : line(word(json, `lb_${key}`)),
      )
    case 'health_checks':
      return [
        ...entriesOf(value, 'active').map(([key, json]) => line(word(json, `health_${key}`), [duration(json)])),
        ...entriesOf(value, 'passive').map(([key, json]) => line(word(json, key))),
      ]
    case 'transport':
      return [line(word(value, 'transport'), [entry(value, 'protocol')], entriesOf(value).flatMap(transportLines))]
    case 'rewrite':
      return [line(word(value, 'rewrite'), [entry(value, 'uri')])]
    default:
      return [line(word(value, name))]
  }
}

function transportLines([name, value]: readonly [string, Json]): readonly Directive[] {
  switch (name) {
    case 'protocol':
      return []
    case 'tls': {
      const files = [...itemsOf(value, 'root_ca_pem_files'), ...itemsOf(value, 'ca', 'pem_files')]
      return [
        line(word(value, 'tls')),
        ...(isTrue(value, 'insecure_skip_verify') ? [line(word(value, 'tls_insecure_skip_verify'))] : []),
        ...(files.length > 0 ? [line(word(value, 'tls_trusted_ca_certs'), files)] : []),
        ...(textOf(value, 'server_name') === undefined
          ? []
          : [line(word(value, 'tls_server_name'), [entry(value, 'server_name')])]),
      ]
    }
    case 'keep_alive':
      return [line(word(value, 'keepalive'))]
    default:
      return [line(word(value, name), [duration(value)])]
  }
}
