//! The 200 of somebody whom the switch has invited by itself: no INVITE of another terminal waits for it.
import type { Leg } from '../../tables/wired-conference.ts'
import { establish } from '../dialog/dialog.ts'
import { isReadable } from '../dialog/pending.ts'
import { mediaOf } from '../xip/media.ts'
import type { Call } from './call.ts'
import type { Answered } from './events.ts'
import { connect, saidTo } from './media.ts'

/** Why an answer is of no use, as the end of its leg. */
interface Unusable {
  readonly status: number
  /** There is no dialog that could be ended. */
  readonly gone?: Leg
}

/** ACK, and the leg is in the bridge.
 * @returns null: it talks. */
export function takeAnswer(call: Call, { leg, response }: Answered): Unusable | null {
  if (!isReadable(establish(call.dialog(leg), response))) {
    call.log('warn', 'the answer of a terminal cannot be used', { leg })
    return { status: 500, gone: leg }
  }
  call.takeOffer(leg)
  call.changeDialog(leg, { ...establish(call.dialog(leg), response), pendingClient: null })
  call.acknowledge(leg, response.cseq.number)
  const description = response.body === '' ? call.dialog(leg).remoteSdp : response.body
  const media = mediaOf(description)
  if (media === null) return { status: 488 }
  call.changeDialog(leg, { remoteSdp: description })
  call.changeMember(leg, { state: 'talking' })
  connect(call, leg, media, saidTo(call, leg))
  return null
}
