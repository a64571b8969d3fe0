//! Two nodes that served apart have each opened the conference of one number (ADR 0001): the older session
//! goes on, and the members of the younger one come into it with their legs. Who does not fit, is there
//! already or had not answered yet, is released with its reason.
import { limits } from '../../limits.ts'
import { type Conference, legOf, type Member } from '../../tables/wired-conference.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { leaveTogether, takeMember } from '../services/move-member.ts'
import { type Call, withSession } from './call.ts'
import type { Exchange } from './exchange.ts'
import { compareAge } from './merge.ts'
import { dropMember } from './release.ts'
import { isOver, isPresent } from './sessions.ts'

/** Two live sessions of one conference. */
interface Twins {
  readonly older: string
  readonly younger: string
}

/** After all that was given is here. */
export function conferenceTwins({ sessions }: Exchange): Twins[] {
  const live = sessions.values().filter((session) => !isOver(session) && session.focus !== null)
  const groups = Map.groupBy(live.sort(compareAge), ({ focus }) => focus?.number)
  return [...groups.values()].flatMap(([oldest, ...others]) =>
    others.map((one) => ({ older: oldest?.sessionId ?? '', younger: one.sessionId })),
  )
}

/** @param twins as they were a moment ago. */
export function unite(exchange: Exchange, { older, younger }: Twins, now: Now): CoreEffect[] {
  const given = exchange.sessions.get(younger)
  if (given === undefined || isOver(given)) return []
  const moved: string[] = []
  const effects = withSession(exchange, { sessionId: older, now }, (call) => {
    if (isOver(call.session)) return
    for (const member of given.members.filter(isSeated)) {
      if (!makesRoom(call, member)) continue
      const leg = legOf(member)
      if (takeMember(call, { sessionId: younger, leg }) !== null) moved.push(leg)
    }
    lockToo(call, given)
    call.log('warn', 'merge: two sessions of a conference are one', { moved: moved.length })
  })
  const left = withSession(exchange, { sessionId: younger, now }, (call) => {
    const headers = [{ name: 'Reason', value: 'SIP ;cause=480 ;text="same-conference"' }]
    leaveTogether(call, moved, headers)
  })
  return [...effects, ...left]
}

/** Its dialog stands, and nobody asks it for a PIN. */
function isSeated({ state, seat }: Member): boolean {
  return (state === 'talking' || state === 'hold') && seat?.room === null
}

/** One who is in both sessions stays where he talks. */
function makesRoom(call: Call, { user }: Member): boolean {
  const { members, focus } = call.session
  const isGateway = call.exchange.options.tables.phoneBook.get(user)?.type === 'gateway'
  const former = isGateway ? [] : members.filter((one) => one.user === user && isPresent(one))
  if (former.some(isSeated)) return false
  const count = members.filter(isPresent).length - former.length
  if (count >= (focus?.membersMax ?? limits.conferenceMembersMax)) return false
  for (const one of former) dropMember(call, legOf(one), { status: 487 })
  return true
}

function lockToo(call: Call, { focus }: Conference): void {
  const own = call.session.focus
  if (own !== null && focus?.locked === true) call.change({ focus: { ...own, locked: true } })
}
