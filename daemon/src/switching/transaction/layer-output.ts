//! What the transaction layer collects while it works on one call into it.
import type { Endpoint, SipRequest, SipResponse } from '../../wire/sip/message.ts'
import type { LayerOutput } from './layer-types.ts'
import type { Raised } from './machine.ts'
import { responseTarget } from './via-source.ts'

/** The output of one call into the layer, while it grows. */
export class Call implements LayerOutput {
  readonly send: LayerOutput['send'] = []
  readonly events: LayerOutput['events'] = []
  readonly nowMs: number

  constructor(nowMs: number) {
    this.nowMs = nowMs
  }

  raise(id: string, raised: Raised): void {
    this.events.push(raised.kind === 'ack' ? raised : { id, ...raised })
  }
}

export function targetOf(request: SipRequest, source: Endpoint): Endpoint {
  const [top] = request.via
  return top === undefined ? source : responseTarget(top)
}

export function isOpenOrSuccess(last: SipResponse | null): boolean {
  return last === null || last.status < 300
}
