//! The forwarding of a position in an OPTIONS (ED-137 sheet 5.11): `head` is forwarded to `tail`, its last
//! target. Without a tail the forwarding ends. Reading and writing only.
import { limits } from '../../limits.ts'

export interface Forwarding {
  /** The number that is forwarded. */
  readonly head: string
  /** Where to, the final target first; empty: it is forwarded no more. */
  readonly tails: readonly string[]
}

/** As a terminal names it. */
interface ReadForwarding extends Forwarding {
  /** Where each of `tails` is. */
  readonly hosts: readonly string[]
}

/** @returns null when the body is no such thing. */
export function readForwarding(body: string): ReadForwarding | null {
  if (body.length > limits.sdpBytesMax || !/<ed137[\s>]/.test(body)) return null
  const basic = /<cfwd_basic\s*>([\s\S]*)<\/cfwd_basic\s*>/.exec(body)?.[1]
  const head = /<uri\s+id\s*=\s*"\s*sip:([^"@<>]{1,64})@[^"<>]{0,256}"/.exec(basic ?? '')?.[1]
  if (basic === undefined || head === undefined) return null
  const found = basic.matchAll(/<id>\s*sip:([^@<>]{1,64})@([^<>]{0,256})<\/id>/g)
  const uris = [...found].map(([, tail = '', at = '']) => ({ tail, host: hostIn(at) }))
  if (uris.length > limits.diversionsMax) return null
  return { head, tails: uris.map(({ tail }) => tail), hosts: uris.map(({ host }) => host) }
}

/** Without a port and parameters. */
function hostIn(text: string): string {
  return /^(?:\[[^\]]*\]|[^\s:;?]*)/.exec(text)?.[0] ?? ''
}

/** @param host of the numbers of this site. */
export function forwardingText({ head, tails }: Forwarding, host: string): string {
  const uri = (number: string) => `sip:${escaped(number)}@${host}`
  const ids = tails.map((tail) => `<id>${uri(tail)}</id>`).join('')
  const list = ids === '' ? '' : `<list type="div">${ids}</list>`
  const inner = `<uri id="${uri(head)}">${list}</uri>`
  return `<ed137 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><cfwd_basic>${inner}</cfwd_basic></ed137>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
