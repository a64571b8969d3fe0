//! The lease of the role: what a process that stood still may do, and what a busy one.
import test from 'ava'
import { RoleLease } from '../../src/compose/role-lease.ts'

const patienceMs = 500
const beatMs = 100

/** pair and switch on one clock; what pair says while the switch stands still waits in `queue`. */
class Stage {
  now = 10_000
  readonly lease = new RoleLease(patienceMs)
  counter = 0
  #sentAt = this.now
  #echo = 0

  /** pair sends heartbeats and pushes a lease. */
  push() {
    this.#sentAt = this.now
    return this.#message()
  }

  #message() {
    return { kind: 'lease', untilMs: this.#sentAt + patienceMs, echo: this.#echo } as const
  }

  /** One turn of the switch: it reads these messages and asks when it has to. */
  turn(queue: readonly ReturnType<Stage['push']>[] = []): void {
    for (const message of queue) this.lease.renew(message, this.now)
    this.lease.turn(this.now)
    if (!this.lease.mustAsk) return
    this.counter += 1
    this.lease.asked(this.counter)
  }

  /** pair answers the newest sign of life. */
  answer(): void {
    this.#echo = this.counter
    this.lease.renew(this.#message(), this.now)
  }

  get holds(): boolean {
    return this.lease.holds(this.now)
  }

  static serving(): Stage {
    const stage = new Stage()
    stage.turn()
    stage.answer()
    return stage
  }
}

test('a new switch asks before it acts', (t) => {
  const stage = new Stage()
  t.false(stage.holds)
  stage.turn([stage.push()])
  t.false(stage.holds, 'a lease that answers nothing is not enough')
  stage.answer()
  t.true(stage.holds)
})

test('hiccups of 300 ms, of the loop or of pair, never end the lease', (t) => {
  const stage = Stage.serving()
  for (let round = 0; round < 50; round += 1) {
    const queue = []
    for (let beat = 0; beat < 3; beat += 1) {
      stage.now += beatMs
      if (round % 2 === 0) queue.push(stage.push())
    }
    t.true(stage.holds, `round ${round}`)
    stage.turn(queue)
    t.false(stage.lease.mustAsk)
    stage.now += beatMs
    stage.turn([stage.push()])
  }
})

test('a hiccup of both at once costs one answer of pair', (t) => {
  const stage = Stage.serving()
  stage.now += 300
  const late = stage.push()
  stage.now += 300
  t.false(stage.holds)
  stage.turn([late])
  stage.answer()
  t.true(stage.holds)
})

test('a process that stood still does not act on what waited for it, but on an answer', (t) => {
  const stage = Stage.serving()
  const queue = []
  for (let beat = 0; beat < 10; beat += 1) {
    stage.now += beatMs
    queue.push(stage.push())
  }
  // The last lease of the queue still runs, and the word that the role is gone may be right behind it.
  t.false(stage.holds)
  for (const message of queue) {
    stage.lease.renew(message, stage.now)
    t.false(stage.holds)
  }
  stage.turn()
  t.false(stage.holds)
  stage.answer()
  t.true(stage.holds)
})

test('an answer of a pair unit that was silent too long itself is none', (t) => {
  const stage = Stage.serving()
  stage.now += 10_000
  stage.turn()
  stage.answer()
  t.false(stage.holds, 'its newest heartbeat left ten seconds ago')
  stage.turn([stage.push()])
  t.true(stage.holds, 'the answer was right, and now the time is')
})

test('alone, a node without its pair unit goes on; after it stood still it waits', (t) => {
  const stage = Stage.serving()
  stage.lease.role({ alone: true, role: 'primary' })
  stage.turn()
  stage.answer()
  for (let turns = 0; turns < 200; turns += 1) {
    stage.now += 50
    stage.turn()
    t.true(stage.holds)
  }
  stage.now += patienceMs
  t.false(stage.holds)
  stage.turn()
  t.false(stage.holds)
  stage.turn([stage.push()])
  stage.answer()
  t.true(stage.holds)
})

test('with a peer, a node without its pair unit is silent after its patience', (t) => {
  const stage = Stage.serving()
  for (let turns = 0; turns < 9; turns += 1) {
    stage.now += 50
    stage.turn()
  }
  t.true(stage.holds)
  stage.now += 50
  t.false(stage.holds)
})

test('a node that becomes primary says nothing before pair has answered: it may be told otherwise next', (t) => {
  const stage = Stage.serving()
  stage.lease.role({ alone: false, role: 'standby' })
  // Both stood still, for less than the patience: that the peer serves lies unread behind this.
  stage.now += 433
  stage.lease.role({ alone: true, role: 'primary' })
  t.false(stage.holds)
  stage.turn([stage.push()])
  t.false(stage.holds, 'this was said before the question')
  stage.answer()
  t.true(stage.holds)
  stage.lease.role({ alone: false, role: 'primary' })
  t.true(stage.holds, 'only the term has changed')
})
