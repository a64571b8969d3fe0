import test from 'ava'
import { limits } from '../../src/limits.ts'
import { type Rehearsal, rehearse, type Scene } from '../../src/pair/rehearsal.ts'

const links = ['net-a', 'net-b', 'private'].map((name, index) => ({
  name,
  own: `10.0.${index}.1`,
  peer: `10.0.${index}.2`,
}))
const both = { switch: true, media: true }
const whole: Scene = {
  linksUp: [true, true, true],
  own: both,
  peer: { ...both, ready: true },
  paused: false,
}

interface Asked {
  readonly before?: Partial<Scene>
  readonly own?: Partial<Rehearsal['own']>
  readonly peer?: Partial<Rehearsal['peer']>
}

function ask(role: 'primary' | 'standby', after: Partial<Scene>, now: Asked = {}) {
  const before = { ...whole, ...now.before }
  const rehearsal: Rehearsal = {
    options: {
      node: 'vccs-a',
      links,
      heartbeatMs: 100,
      missesMax: 5,
      tieBreak: 'larger-address' as const,
    },
    role,
    term: 7,
    own: {
      sessions: 0,
      syncPending: 0,
      inStep: true,
      stoodIn: false,
      changesMsAgo: [],
      ...now.own,
    },
    peer: {
      node: 'vccs-b',
      role: role === 'primary' ? 'standby' : 'primary',
      term: 7,
      sessions: 0,
      inStep: true,
      held: false,
      stoodIn: false,
      ...now.peer,
    },
    before,
    after: { ...before, ...after },
  }
  return rehearse(rehearsal)
}

test('one or two links down move no role and raise their alarm', (t) => {
  const one = ask('standby', { linksUp: [true, false, true] })
  t.is(one.role, 'standby')
  t.is(one.decision, null)
  t.deepEqual(
    one.alarms.map(({ code, subject }) => `${code} ${subject}`),
    ['link-down net-b'],
  )
  const two = ask('standby', { linksUp: [false, false, true] })
  t.is(two.role, 'standby')
  t.true(two.alarms.some(({ code }) => code === 'links-down'))
})

test('a standby whose peer is dead would serve, and says by which rule', (t) => {
  const verdict = ask('standby', { peer: null })
  t.is(verdict.role, 'primary')
  t.is(verdict.decision?.to, 'primary')
  t.not(verdict.decision?.because, '')
})

test('a standby beside a peer whose media unit is dead would serve', (t) => {
  t.is(ask('standby', { peer: { switch: true, media: false, ready: false } }).role, 'primary')
})

test('a primary stays primary when its peer is dead', (t) => {
  const verdict = ask('primary', { peer: null })
  t.is(verdict.role, 'primary')
  t.true(verdict.alarms.some(({ code }) => code === 'peer-lost'))
})

test('a primary with a dead unit gives the role to a ready peer', (t) => {
  const verdict = ask('primary', { own: { switch: true, media: false } })
  t.not(verdict.role, 'primary')
  t.is(verdict.decision?.rule, 'own-unit-dead')
  t.regex(verdict.decision?.because ?? '', /^media cannot serve here/)
})

const noMedia = { switch: true, media: false }
const notReady = { ...both, ready: false }

test('a primary whose own unit is dead already leaves as soon as its peer could serve', (t) => {
  const before = { own: noMedia, peer: notReady }
  t.is(ask('primary', {}, { before }).role, 'primary')
  const verdict = ask('primary', { peer: { ...both, ready: true } }, { before })
  t.not(verdict.role, 'primary')
  t.is(verdict.decision?.rule, 'own-unit-dead')
})

test('a peer that has not every record gives a dead unit a moment, and then serves', (t) => {
  const verdict = ask('primary', { own: noMedia }, { peer: { inStep: false } })
  t.is(verdict.decision?.rule, 'own-unit-dead')
  t.true((verdict.decision?.atMs ?? 0) > limits.coldPeerMsMax)
})

test('a standby that cannot serve stays one when its peer dies, and serves when it can again', (t) => {
  const before = { own: noMedia }
  t.is(ask('standby', { peer: null }, { before }).role, 'standby')
  t.is(ask('standby', { peer: null, own: both }, { before }).role, 'primary')
})

test('a pause holds the role, and its end is a supposition like any other', (t) => {
  t.is(ask('standby', { peer: null }, { before: { paused: true } }).role, 'standby')
  t.is(ask('standby', { peer: null, paused: true }).role, 'standby')
  const before = { paused: true, peer: null }
  const resumed = ask('standby', { paused: false }, { before })
  t.is(resumed.role, 'primary')
  t.is(resumed.decision?.rule, 'peer-silent')
})

test('the alarm of a held role stands in the answer', (t) => {
  const held = ask('standby', {}, { own: { changesMsAgo: [2_000, 1_000] } })
  t.true(held.alarms.some(({ code }) => code === 'role-held'))
  const second = ask('standby', { peer: null }, { own: { changesMsAgo: [2_000] } })
  t.is(second.role, 'primary', 'nobody else serves')
  t.true(second.alarms.some(({ code }) => code === 'role-held'))
})
