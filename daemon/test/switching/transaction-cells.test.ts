//! Each cell of the transaction machines with all that it does, timers to the millisecond, as a table that
//! is read beside RFC 3261 17 and RFC 6026. `CELLS_REWRITE=1` writes what the machines do into the file.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { clientTable, openClient, restoreClient } from '../../src/switching/transaction/client.ts'
import {
  inviteClientTable,
  openInviteClient,
  restoreInviteClient,
} from '../../src/switching/transaction/invite-client.ts'
import {
  inviteServerTable,
  openInviteServer,
  restoreInviteServer,
} from '../../src/switching/transaction/invite-server.ts'
import {
  type Machine,
  type MachineEvent,
  stepMachine,
} from '../../src/switching/transaction/live.ts'
import { type Effect, impossible, type Step } from '../../src/switching/transaction/machine.ts'
import { openServer, restoreServer, serverTable } from '../../src/switching/transaction/server.ts'
import {
  openSuccessRepeat,
  successRepeatTable,
} from '../../src/switching/transaction/success-repeat.ts'
import { answer, phone, request } from './transaction-messages.ts'

const file = join(import.meta.dirname, '../data/transaction-cells.txt')
const invite = request('INVITE')
const reinvite = request('INVITE', { toTag: 'far' })
const bye = request('BYE', { toTag: 'far' })
const inviteRinging = answer(invite, 180)

interface Kind {
  readonly name: string
  readonly table: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** How a machine of this kind begins, and how the other node goes on with it. */
  readonly begins: Readonly<Record<string, Step<Machine>>>
  /** Differing data beside the phase. */
  readonly variants: Readonly<Record<string, Partial<Machine>>>
}

const kinds: Kind[] = [
  {
    name: 'invite-client',
    table: inviteClientTable,
    begins: {
      new: openInviteClient(invite),
      'taken over in calling': restoreInviteClient(invite, false),
      'taken over in proceeding': restoreInviteClient(invite, true),
      're-INVITE taken over in proceeding': restoreInviteClient(reinvite, true),
    },
    variants: { '': {}, cancelled: { cancelled: true }, 're-INVITE': { request: reinvite } },
  },
  {
    name: 'invite-server',
    table: inviteServerTable,
    begins: {
      new: openInviteServer(answer(invite, 100)),
      'taken over in proceeding': restoreInviteServer(inviteRinging),
      'taken over in accepted': restoreInviteServer(answer(invite, 200)),
      'taken over in completed': restoreInviteServer(answer(invite, 486)),
    },
    variants: { '': {}, 'at T2': { intervalMs: 4_000 } },
  },
  {
    name: 'client',
    table: clientTable,
    begins: {
      new: openClient(bye),
      'taken over in trying': restoreClient(bye, false),
      'taken over in proceeding': restoreClient(bye, true),
    },
    variants: { '': {}, 'at T2': { intervalMs: 4_000 } },
  },
  {
    name: 'server',
    table: serverTable,
    begins: {
      new: openServer(),
      'taken over in trying': restoreServer(null),
      'taken over in completed': restoreServer(answer(bye, 200)),
    },
    variants: { '': {} },
  },
  {
    name: 'success-repeat',
    table: successRepeatTable,
    begins: { new: openSuccessRepeat(answer(invite, 200)) },
    variants: { '': {}, 'at T2': { intervalMs: 4_000 } },
  },
]

function effectText(effect: Effect): string {
  switch (effect.kind) {
    case 'send': {
      const { message } = effect
      return `send ${message.kind === 'request' ? message.method : message.status}`
    }
    case 'start':
      return `start ${effect.timer} ${effect.afterMs}`
    case 'stop':
      return `stop ${effect.timer}`
    case 'raise':
      return `raise ${effect.raised.kind}`
    case 'send-cancel':
      return 'send CANCEL'
  }
}

function stepText({ state, effects }: Step<Machine>): string {
  return `${state.phase}${effects.length === 0 ? '' : `: ${effects.map(effectText).join(', ')}`}`
}

/** The kinds of events bring messages of different statuses. */
const statuses: Readonly<Record<string, number>> = {
  provisional: 183,
  success: 200,
  failure: 486,
  final: 200,
  'respond-provisional': 183,
  'respond-success': 200,
  'respond-failure': 603,
  'respond-final': 404,
}

function eventOf(kind: string): MachineEvent {
  const response = answer(invite, statuses[kind] ?? 200)
  return { kind, response, request: invite, source: phone } as unknown as MachineEvent
}

/** What a machine of each kind is before its first event. */
function first({ begins }: Kind): Machine {
  const { new: opened } = begins
  if (opened === undefined) throw new Error('every kind can begin')
  return opened.state
}

function* cellsOf(kind: Kind): Generator<string> {
  for (const [name, step] of Object.entries(kind.begins)) yield `(${name}) -> ${stepText(step)}`
  for (const [phase, row] of Object.entries(kind.table)) {
    for (const event of Object.keys(row)) {
      if (row[event] === impossible) {
        yield `${phase} ${event} -> impossible`
        continue
      }
      const seen = new Set<string>()
      for (const [variant, data] of Object.entries(kind.variants)) {
        const state = { ...first(kind), last: inviteRinging, ...data, phase } as Machine
        const text = stepText(stepMachine(state, eventOf(event)))
        if (!seen.has(text)) yield `${phase} ${event}${variant && ` (${variant})`} -> ${text}`
        seen.add(text)
      }
    }
  }
}

test('every cell of every machine does what the table in data/transaction-cells.txt says', (t) => {
  const text = kinds
    .map((kind) => `${kind.name}\n  ${[...cellsOf(kind)].join('\n  ')}\n`)
    .join('\n')
  if (process.env.CELLS_REWRITE === '1') writeFileSync(file, text)
  t.is(text, readFileSync(file, 'utf8'))
})

test('what is impossible asserts, in every machine', (t) => {
  let count = 0
  for (const kind of kinds) {
    for (const [phase, row] of Object.entries(kind.table)) {
      for (const event of Object.keys(row)) {
        if (row[event] !== impossible) continue
        count += 1
        const state = { ...first(kind), phase } as Machine
        t.throws(() => stepMachine(state, eventOf(event)), { message: /invariant broken/ })
      }
    }
  }
  t.true(count > 60, 'most cells of the timers are')
})
