//! How far the media unit trusts what it knows.
import test from 'ava'
import { Lease } from '../../src/media/lease.ts'

const patienceMs = 500

class Stage {
  now = 10_000
  readonly lease = new Lease(patienceMs)

  /** pair sends heartbeats and lends. */
  lend(): void {
    this.lease.renew(this.now + patienceMs)
  }

  /** Turns of 5 ms; with `lending` pair is alive. */
  run(ms: number, lending = true): string {
    let trust = ''
    for (const end = this.now + ms; this.now < end; this.now += 5) {
      if (lending && this.now % 100 === 0) this.lend()
      trust = this.lease.look(this.now).trust
    }
    return trust
  }

  static serving(role: 'primary' | 'standby', alone = false): Stage {
    const stage = new Stage()
    stage.lease.role(role, alone)
    stage.run(1_000)
    return stage
  }
}

test('a unit whose pair lends nothing yet does what it is told', (t) => {
  t.is(new Stage().run(2_000, false), 'full')
})

test('hiccups of 300 ms of both change nothing', (t) => {
  const stage = Stage.serving('primary')
  for (let round = 0; round < 20; round += 1) {
    stage.now += 300
    t.deepEqual(stage.lease.look(stage.now), { trust: 'full', stoodStill: false })
    stage.lend()
    stage.run(100, false)
  }
})

test('while pair is silent the unit sends what both nodes send, and no more', (t) => {
  const stage = Stage.serving('primary')
  t.is(stage.run(400, false), 'full')
  t.is(stage.run(200, false), 'twins')
  t.is(stage.run(200), 'full')
})

test('alone, it goes on when pair is silent', (t) => {
  t.is(Stage.serving('primary', true).run(5_000, false), 'full')
})

test('a unit that stood still alone is told so, and goes on with what it has read meanwhile', (t) => {
  const stage = Stage.serving('primary')
  const from = stage.now
  for (; stage.now < from + 900; stage.now += 100) stage.lend()
  t.deepEqual(stage.lease.look(stage.now), { trust: 'full', stoodStill: true })
  t.deepEqual(stage.lease.look(stage.now + 5), { trust: 'full', stoodStill: false })
})

for (const first of ['media', 'pair'] as const) {
  test(`a whole node that stood still is silent until its legs are named, ${first} awake first`, (t) => {
    const stage = Stage.serving('primary')
    stage.now += 10_000
    if (first === 'media') t.is(stage.lease.look(stage.now).trust, 'none')
    stage.lease.role('starting', false)
    stage.lend()
    t.is(stage.lease.look(stage.now).trust, 'none')
    t.is(stage.run(1_000), 'none')
    stage.lease.role('standby', false)
    t.is(stage.run(1_000), 'none')
    stage.lease.legsNamed(stage.now)
    t.is(stage.run(100), 'full')
  })
}

test('legs that were named before pair confirmed the role are no news', (t) => {
  const stage = Stage.serving('standby')
  stage.now += 10_000
  t.is(stage.lease.look(stage.now).trust, 'none')
  stage.lease.legsNamed(stage.now)
  stage.lend()
  t.is(stage.lease.look(stage.now).trust, 'none')
})

test('a node that stood still alone goes on when pair has made it primary again', (t) => {
  const stage = Stage.serving('primary', true)
  stage.now += 10_000
  t.is(stage.lease.look(stage.now).trust, 'none')
  stage.lease.role('starting', false)
  t.is(stage.run(500), 'none')
  stage.lease.role('primary', true)
  t.is(stage.run(10), 'full')
})
