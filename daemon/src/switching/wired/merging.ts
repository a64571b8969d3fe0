//! A merge from both ends (ADR 0001): what this node gives when it lost, and the steps by which it
//! adopts what it is given when it stays primary.
import { limits } from '../../limits.ts'
import type { User } from '../../tables/user.ts'
import type { CoreEffect, Now } from '../effects.ts'
import { adoptUsers, carryOut, type Outcome } from './adopt.ts'
import type { Exchange } from './exchange.ts'
import { compareAge, type MergeAction, planMerge } from './merge.ts'
import type { Gift } from './merge-text.ts'
import { conferenceTwins, unite } from './unite.ts'

/** What changed while no standby had it. */
export interface Apart {
  /** Sessions that ended. */
  readonly ended: Iterable<string>
  /** Users whose registration changed. */
  readonly users: Iterable<string>
  /** The peer stood still while this node served: in doubt its sessions are over. */
  readonly isLate?: boolean
}

export interface MergeSteps {
  /** To be run one after the other in turns of the core, in this order. */
  readonly steps: readonly ((now: Now) => CoreEffect[])[]
  /** Filled while the steps run. */
  readonly outcomes: readonly Outcome[]
  readonly renumbered: number
  readonly users: number
}

/** All sessions of this node and what else the peer may not know. */
export function giftOf(exchange: Exchange, apart: Apart): Gift {
  const { tables } = exchange.options
  const sessions = [...tables.wiredConference.values()].sort(compareAge)
  const users = [...apart.users].flatMap((user): User[] => {
    const record = tables.user.get(user)
    return record === undefined ? [] : [record]
  })
  return { sessions, legs: [...tables.wiredMedia.values()], users, ended: endedOf(exchange, apart) }
}

export function mergeSteps(exchange: Exchange, gift: Gift, apart: Apart): MergeSteps {
  const { tables } = exchange.options
  const own = {
    sessions: exchange.sessions.values(),
    ended: endedOf(exchange, apart),
    goesFirst: apart.isLate === true,
  }
  const isGateway = (user: string) => tables.phoneBook.get(user)?.type === 'gateway'
  const { actions, renumbered } = planMerge(own, gift, isGateway)
  const legs = Map.groupBy(gift.legs, (leg) => leg.sessionId)
  const outcomes: Outcome[] = []
  const step = (action: MergeAction) => (now: Now) => {
    const controlTick = now.tick + limits.decisionLeadTicks
    const { effects, outcome } = carryOut({ exchange, legs, controlTick }, action, now)
    outcomes.push(outcome)
    return effects
  }
  const users = (): CoreEffect[] => {
    adoptUsers(tables, gift.users)
    return []
  }
  const united = (now: Now): CoreEffect[] =>
    conferenceTwins(exchange).flatMap((twins) => {
      const { younger: sessionId } = twins
      const rule = 'same-conference' as const
      outcomes.push({ sessionId, kind: 'close', given: false, rule })
      return unite(exchange, twins, now)
    })
  return {
    steps: [users, ...actions.map(step), united],
    outcomes,
    renumbered,
    users: gift.users.length,
  }
}

/** By session: whether all terminals were told. */
function endedOf(exchange: Exchange, { ended }: Apart): Map<string, boolean> {
  return new Map([...ended].map((sessionId) => [sessionId, exchange.isTold(sessionId)]))
}
