//! The five tables cell by cell, the timer queue, and random stories that must come to an end.
import test from 'ava'
import fc from 'fast-check'
import { limits } from '../../src/limits.ts'
import { type Client, clientTable, stepClient } from '../../src/switching/transaction/client.ts'
import {
  type InviteClient,
  inviteClientTable,
  stepInviteClient,
} from '../../src/switching/transaction/invite-client.ts'
import {
  type InviteServer,
  inviteServerTable,
  stepInviteServer,
} from '../../src/switching/transaction/invite-server.ts'
import { TransactionLayer } from '../../src/switching/transaction/layer.ts'
import type { LayerOutput } from '../../src/switching/transaction/layer-types.ts'
import { impossible } from '../../src/switching/transaction/machine.ts'
import { type Server, serverTable, stepServer } from '../../src/switching/transaction/server.ts'
import {
  type SuccessRepeat,
  stepSuccessRepeat,
  successRepeatTable,
} from '../../src/switching/transaction/success-repeat.ts'
import { type Timer, TimerQueue } from '../../src/switching/transaction/timer-queue.ts'
import { type TimerName, timerMs } from '../../src/switching/transaction/timers.ts'
import type { SipRequest } from '../../src/wire/sip/message.ts'
import { answer, phone, request, service } from './transaction-messages.ts'

const invite = request('INVITE')
const ringing = answer(invite, 180)

type AnyStep = (
  state: never,
  event: never,
) => { state: { phase: string }; effects: readonly unknown[] }
interface Row {
  readonly name: string
  readonly table: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly state: object
  readonly step: AnyStep
}

const inviteClient: Omit<InviteClient, 'phase'> = {
  role: 'invite-client',
  request: invite,
  intervalMs: 500,
  cancelled: false,
}
const inviteServer: Omit<InviteServer, 'phase'> = {
  role: 'invite-server',
  last: ringing,
  intervalMs: 500,
}
const client: Omit<Client, 'phase'> = { role: 'client', request: request('BYE'), intervalMs: 500 }
const server: Omit<Server, 'phase'> = { role: 'server', last: ringing }
const repeat: Omit<SuccessRepeat, 'phase'> = {
  role: 'success-repeat',
  response: answer(invite, 200),
  intervalMs: 500,
}

const machines: Row[] = [
  {
    name: 'invite-client',
    table: inviteClientTable,
    state: inviteClient,
    step: stepInviteClient,
  },
  {
    name: 'invite-server',
    table: inviteServerTable,
    state: inviteServer,
    step: stepInviteServer,
  },
  { name: 'client', table: clientTable, state: client, step: stepClient },
  { name: 'server', table: serverTable, state: server, step: stepServer },
  {
    name: 'success-repeat',
    table: successRepeatTable,
    state: repeat,
    step: stepSuccessRepeat,
  },
]

/** The phase after each possible event, as RFC 3261 17 and RFC 6026 draw it. What is not listed here
 * is impossible and must assert. */
const drawn: Record<string, Record<string, string>> = {
  'invite-client': {
    calling:
      'provisional>proceeding success>accepted failure>completed cancel>calling timer-a>calling timer-b>terminated',
    proceeding:
      'provisional>proceeding success>accepted failure>completed cancel>proceeding timer-c>proceeding timer-cancelled>terminated',
    completed:
      'provisional>completed success>completed failure>completed cancel>completed timer-d>terminated',
    accepted:
      'provisional>accepted success>accepted failure>accepted cancel>accepted timer-m>terminated',
    terminated: '',
  },
  'invite-server': {
    proceeding:
      'request>proceeding ack>proceeding respond-provisional>proceeding respond-success>accepted respond-failure>completed',
    completed:
      'request>completed ack>confirmed respond-provisional>completed respond-success>completed respond-failure>completed timer-g>completed timer-h>terminated',
    confirmed:
      'request>confirmed ack>confirmed respond-provisional>confirmed respond-success>confirmed respond-failure>confirmed timer-i>terminated',
    accepted:
      'request>accepted ack>accepted respond-provisional>accepted respond-success>accepted respond-failure>accepted timer-l>terminated',
    terminated: '',
  },
  client: {
    trying: 'provisional>proceeding final>completed timer-e>trying timer-f>terminated',
    proceeding: 'provisional>proceeding final>completed timer-e>proceeding timer-f>terminated',
    completed: 'provisional>completed final>completed timer-k>terminated',
    terminated: '',
  },
  server: {
    trying: 'request>trying respond-provisional>proceeding respond-final>completed',
    proceeding: 'request>proceeding respond-provisional>proceeding respond-final>completed',
    completed:
      'request>completed respond-provisional>completed respond-final>completed timer-j>terminated',
    terminated: '',
  },
  'success-repeat': {
    repeating: 'acknowledged>terminated timer-repeat>repeating timer-give-up>terminated',
    terminated: '',
  },
}

for (const { name, table, state, step } of machines) {
  test(`every cell of ${name} leads where the RFC draws it, or asserts`, (t) => {
    t.deepEqual(Object.keys(table).sort(), Object.keys(drawn[name] ?? {}).sort())
    for (const [phase, row] of Object.entries(table)) {
      const cells = (drawn[name]?.[phase] ?? '').split(' ').filter((text) => text !== '')
      const nextPhases = new Map(cells.map((text) => text.split('>') as [string, string]))
      for (const kind of Object.keys(row)) {
        const event = { kind, response: ringing, request: invite, source: phone }
        const run = (): string => step({ ...state, phase } as never, event as never).state.phase
        const next = nextPhases.get(kind)
        if (next === undefined) {
          t.is(row[kind], impossible, `${phase} ${kind}`)
          t.throws(run, { message: `invariant broken: ${kind} in ${phase}` })
        } else t.is(run(), next, `${phase} ${kind}`)
        nextPhases.delete(kind)
      }
      t.is(nextPhases.size, 0, `${phase} has all its cells`)
    }
  })
}

test('a table has no cell for an event of another role', (t) => {
  const stray = { kind: 'timer-k' } as never
  t.throws(() => stepServer({ ...server, phase: 'trying' }, stray), { message: /no cell/ })
})

test('the timers have the values of RFC 3261 table 4 for UDP', (t) => {
  t.is(timerMs['timer-b'], 32_000)
  t.is(timerMs['timer-d'], 32_000)
  t.is(timerMs['timer-i'], 5_000)
  t.is(timerMs['timer-j'], 32_000)
  t.is(timerMs['timer-k'], 5_000)
  t.is(timerMs['timer-l'], 32_000)
  t.is(timerMs['timer-m'], 32_000)
})

test('the timer queue gives timers in the order of time, without the stopped and the restarted', (t) => {
  const names: TimerName[] = ['timer-a', 'timer-b', 'timer-d', 'timer-e']
  const orders = fc.array(
    fc.record({
      owner: fc.nat(9),
      timer: fc.constantFrom(...names),
      atMs: fc.option(fc.nat(1000), { nil: null }),
    }),
    { maxLength: 200 },
  )
  fc.assert(
    fc.property(orders, (steps) => {
      const queue = new TimerQueue<{ id: number; timers: Map<TimerName, Timer> }>()
      const owners = Array.from({ length: 10 }, (_, id) => ({ id, timers: new Map() }))
      const running = new Map<string, { atMs: number; order: number }>()
      for (const [order, { owner, timer, atMs }] of steps.entries()) {
        const holder = owners[owner]
        if (holder === undefined) continue
        if (atMs === null) {
          queue.stop(holder, timer)
          running.delete(`${owner} ${timer}`)
        } else {
          queue.start(holder, timer, atMs)
          running.set(`${owner} ${timer}`, { atMs, order })
        }
      }
      const wanted = [...running].sort(([, a], [, b]) => a.atMs - b.atMs || a.order - b.order)
      for (const [key, { atMs }] of wanted) {
        t.is(queue.nextMs(), atMs)
        t.is(queue.take(atMs - 1), null)
        const due = queue.take(atMs)
        t.is(`${due?.owner.id} ${due?.timer}`, key)
      }
      t.is(queue.nextMs(), null)
    }),
    { numRuns: 60 },
  )
})

const methods = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'INFO', 'REGISTER']
const statuses = [100, 180, 183, 200, 202, 302, 404, 486, 487, 503, 603]
const storyStep = fc.oneof(
  fc.record({
    kind: fc.constant('recv' as const),
    method: fc.constantFrom(...methods),
    branch: fc.constantFrom('z9hG4bK-1', 'z9hG4bK-2', 'z9hG4bK-3', 'old', ''),
    toTag: fc.constantFrom('own', undefined),
  }),
  fc.record({
    kind: fc.constant('respond' as const),
    at: fc.nat(9),
    status: fc.constantFrom(...statuses),
  }),
  fc.record({
    kind: fc.constant('answer' as const),
    at: fc.nat(9),
    status: fc.constantFrom(...statuses),
  }),
  fc.record({
    kind: fc.constant('request' as const),
    method: fc.constantFrom('INVITE', 'BYE', 'INFO'),
    inDialog: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom('cancel' as const, 'acked' as const), at: fc.nat(9) }),
  fc.record({
    kind: fc.constant('restore' as const),
    method: fc.constantFrom('INVITE', 'BYE'),
    status: fc.constantFrom(...statuses, 0),
  }),
  fc.record({
    kind: fc.constant('pass' as const),
    ms: fc.constantFrom(1, 499, 500, 4_000, 5_000, 31_999, 40_000),
  }),
)
type StoryStep = typeof storyStep extends fc.Arbitrary<infer S> ? S : never

/** Tells a story to a layer and remembers what it could be asked about. */
class Story {
  readonly layer: TransactionLayer
  nowMs = 0
  readonly servers: { id: string; request: SipRequest }[] = []
  readonly clients: { id: string; request: SipRequest }[] = []
  #branches = 0

  constructor() {
    this.layer = new TransactionLayer({
      sentBy: service,
      newBranch: () => String(this.#fresh()),
      transactionsMax: 5,
      clientTransactionsMax: 7,
    })
  }

  tell(step: StoryStep): void {
    const { layer, nowMs } = this
    switch (step.kind) {
      case 'recv': {
        const { branch } = step
        const parts = branch === '' ? { via: 'SIP/2.0/UDP 192.0.2.9' } : { branch }
        const message = request(
          step.method,
          step.toTag === undefined ? parts : { ...parts, toTag: step.toTag },
        )
        this.#hear(layer.receive(message, phone, nowMs))
        break
      }
      case 'respond': {
        const known = this.servers[step.at]
        if (known === undefined) return
        this.#hear(layer.respond(known.id, answer(known.request, step.status, 'own'), nowMs))
        break
      }
      case 'answer': {
        const known = this.clients[step.at]
        if (known === undefined) return
        this.#hear(layer.receive(answer(known.request, step.status), phone, nowMs))
        break
      }
      case 'request': {
        const parts = step.inDialog ? { toTag: 'far' } : {}
        const sent = layer.request(request(step.method, parts), phone, nowMs)
        this.clients.push(sent)
        this.#hear(sent.output)
        break
      }
      case 'cancel':
        this.#hear(layer.cancel(this.clients[step.at]?.id ?? '', nowMs))
        break
      case 'acked':
        layer.acknowledged(this.servers[step.at]?.id ?? '')
        break
      case 'restore':
        this.#restore(step.method, step.status)
        break
      case 'pass':
        this.pass(step.ms)
        break
    }
  }

  pass(ms: number): void {
    const end = this.nowMs + ms
    for (let next = this.layer.nextTimerMs(); next !== null; next = this.layer.nextTimerMs()) {
      if (next > end) break
      this.nowMs = next
      this.#hear(this.layer.advance(next))
    }
    this.nowMs = end
  }

  /** The user answers every open request and gives up every open call, as it always must. */
  settle(): void {
    for (const known of this.servers) {
      this.#hear(this.layer.respond(known.id, answer(known.request, 500, 'own'), this.nowMs))
    }
    for (const { id } of this.clients) this.#hear(this.layer.cancel(id, this.nowMs))
  }

  #restore(method: string, status: number): void {
    const message = request(method, { branch: `z9hG4bK-r${this.#fresh()}` })
    const last = status === 0 ? null : answer(message, status, 'own')
    const id = this.layer.restoreServer(message, phone, last, this.nowMs)
    this.servers.push({ id, request: message })
    const own = `SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-vccs-${this.#fresh()}`
    const sent = request(method, { via: own })
    const proceeding = status >= 100
    this.clients.push({
      id: this.layer.restoreClient(sent, phone, proceeding, this.nowMs),
      request: sent,
    })
  }

  #fresh(): number {
    this.#branches += 1
    return this.#branches
  }

  #hear({ events }: LayerOutput): void {
    for (const event of events) if (event.kind === 'request') this.servers.push(event)
  }
}

test('a random story never throws, and after 64*T1 + T4 of silence no transaction is alive', (t) => {
  fc.assert(
    fc.property(fc.array(storyStep, { maxLength: 40 }), (steps) => {
      const story = new Story()
      for (const step of steps) story.tell(step)
      story.settle()
      story.pass(64 * limits.sipT1Ms + limits.sipT4Ms)
      t.is(story.layer.size, 0)
      t.is(story.layer.nextTimerMs(), null)
    }),
    { numRuns: 300 },
  )
})

test('a long stall leads to one repetition, not to a burst', (t) => {
  const story = new Story()
  story.tell({ kind: 'request', method: 'BYE', inDialog: true })
  t.is(story.layer.advance(20_000).send.length, 1)
  t.is(story.layer.nextTimerMs(), 21_000)
})
