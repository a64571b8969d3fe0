import test from 'ava'
import { type Rehearsal, rehearse, type Scene } from '../../src/pair/rehearsal.ts'

const links = ['net-a', 'net-b', 'private'].map((name, index) => ({
  name,
  own: `10.0.${index}.1`,
  peer: `10.0.${index}.2`,
}))
const both = { switch: true, media: true }
const whole: Scene = { linksUp: [true, true, true], own: both, peer: both }

function ask(role: 'primary' | 'standby', after: Partial<Scene>): ReturnType<typeof rehearse> {
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
    peerNode: 'vccs-b',
    peerRole: role === 'primary' ? 'standby' : 'primary',
    paused: false,
    before: whole,
    after: { ...whole, ...after },
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
  t.is(ask('standby', { peer: { switch: true, media: false } }).role, 'primary')
})

test('a primary stays primary when its peer is dead', (t) => {
  const verdict = ask('primary', { peer: null })
  t.is(verdict.role, 'primary')
  t.true(verdict.alarms.some(({ code }) => code === 'peer-lost'))
})

test('a primary with a dead unit gives the role to a ready peer', (t) => {
  t.not(ask('primary', { own: { switch: true, media: false } }).role, 'primary')
})
