//! The screen of `call show`.
import type { CallDetail } from '../../../daemon/src/control/call-schema.ts'
import type { Screen } from './screen.ts'
import { exactMoment } from './words.ts'

export function drawCall(screen: Screen, call: CallDetail): string[] {
  const kind = [call.type, call.callType, call.priority].filter(Boolean).join(', ')
  const { services, diversions, answeredAt } = call
  const forwarded = diversions.map(
    ({ from, to, reason }) => `${from} ${screen.arrow} ${to} (${reason})`,
  )
  return [
    ...screen.labelled('session', `${call.sessionId}   ${call.state}`),
    ...screen.labelled('kind', `${kind}   bridge ${call.conferenceId}`),
    ...(call.subject === '' ? [] : screen.labelled('subject', call.subject)),
    ...screen.labelled('called', call.called),
    ...forwarded.flatMap((text) => screen.labelled('forwarded', text)),
    ...screen.labelled('started', exactMoment(call.startedAt)),
    ...screen.labelled('answered', answeredAt === null ? 'not yet' : exactMoment(answeredAt)),
    ...screen.labelled('services', services.length === 0 ? 'none' : services.join(', ')),
    ...call.members.flatMap((member) => ['', ...drawMember(screen, member)]),
  ]
}

function drawMember(screen: Screen, member: CallDetail['members'][number]): string[] {
  const { leg, number, side, state, address, callId, waiting, media } = member
  const title = `${leg}  ${number}  ${side}  ${state}`
  const open = waiting.length === 0 ? [] : screen.labelled('  waits for', waiting.join(', '))
  return [
    screen.heading(title),
    ...screen.labelled('  terminal', address),
    ...screen.labelled('  Call-ID', callId),
    ...open,
    ...screen.labelled('  voice', media === null ? 'none' : voiceText(media)),
    ...(media?.rtp ? screen.labelled('  packets', packetsText(media.rtp)) : []),
  ]
}

type Media = NonNullable<CallDetail['members'][number]['media']>

function voiceText({ localPort, remote, codec, ptimeMs, direction, gainDb, twin }: Media): string {
  const gain = gainDb === 0 ? '' : `, ${gainDb} dB`
  const sent = twin ? 'sent by both nodes' : 'sent by the primary'
  return `port ${localPort} - ${remote}, ${codec} ${ptimeMs} ms, ${direction}${gain}, ${sent}`
}

function packetsText(rtp: NonNullable<Media['rtp']>): string {
  const { packetsReceived, packetsLost, packetsLate, jitterMsMax, packetsSent } = rtp
  const received = `${packetsReceived} received, ${packetsLost} lost, ${packetsLate} late`
  const sent = `${packetsSent} sent, ${rtp.farPacketsLost} lost there`
  return `${received}, jitter up to ${jitterMsMax.toFixed(1)} ms; ${sent}`
}
