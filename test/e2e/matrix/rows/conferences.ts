//! Conferences (会议): meet-me, preset, and temporary ones that are made of a call.
import { callsOf } from '../look.ts'
import {
  accept,
  dial,
  getsThrough,
  hangUp,
  isRefused,
  order,
  type Row,
  rings,
  type Scene,
  waits,
} from '../row.ts'

export const conferences: readonly Row[] = [
  {
    key: '16',
    service: 'conference',
    state: 'growing: a third member rings',
    dials: [dial('talk', '1601', '1600'), dial('talk', '1602', '1600')],
    manual: ['1603'],
    auto: ['1604'],
    conference: { name: 'Room', number: '1600' },
    steps: {
      ring: async (scene) => {
        const ringing = rings(scene, '1603')
        await order(scene, '1600', { kind: 'add', user: '1603' })
        await ringing
      },
    },
    stands: { '1601': 'talking', '1602': 'talking', '1603': 'ringing' },
    outcome: 'it answers, and a fourth one dials in',
    complete: async (scene) => {
      await accept(scene, '1603')
      await getsThrough(scene, '1604', '1600')
    },
    completed: { '1601': 'talking', '1602': 'talking', '1603': 'talking', '1604': 'talking' },
    end: async (scene) => {
      const closed = scene.desk.phone('1604').next('CALL_CLOSED')
      await hangUp(scene, '1603')
      await order(scene, '1600', { kind: 'end' })
      await closed
    },
  },
  {
    key: '21',
    service: 'preset conference',
    state: 'half of its members have answered',
    dials: [dial('ring', '2101', '2100')],
    auto: ['2102'],
    manual: ['2103', '2104'],
    conference: {
      name: 'Crew',
      number: '2100',
      kind: 'preset',
      members: ['2101', '2102', '2103', '2104'],
    },
    steps: { ring: (scene) => rings(scene, '2103', '2104') },
    stands: { '2101': 'talking', '2102': 'talking', '2103': 'ringing', '2104': 'ringing' },
    outcome: 'the other half answers',
    complete: (scene) => accept(scene, '2103', '2104'),
    completed: { '2101': 'talking', '2102': 'talking', '2103': 'talking', '2104': 'talking' },
    end: async (scene) => {
      const closed = scene.desk.phone('2104').next('CALL_CLOSED')
      await hangUp(scene, '2103')
      await order(scene, '2100', { kind: 'end' })
      await closed
    },
  },
  {
    key: '42',
    set: 'more',
    service: 'temporary conference',
    state: 'made of a call: a third member rings',
    dials: [dial('talk', '4201', '4202')],
    auto: ['4202'],
    manual: ['4203'],
    steps: {
      ring: async (scene) => {
        const [call] = await callsOf(scene.node, '42')
        const ringing = rings(scene, '4203')
        await order(scene, call?.sessionId ?? '', { kind: 'add', user: '4203' })
        await ringing
      },
    },
    stands: { '4201': 'talking', '4202': 'talking', '4203': 'ringing' },
    outcome: 'it answers; one leaves, and two go on',
    complete: (scene) => accept(scene, '4203'),
    completed: { '4201': 'talking', '4202': 'talking', '4203': 'talking' },
    end: async (scene) => {
      await hangUp(scene, '4203')
      await waits(scene, '42', { '4201': 'talking', '4202': 'talking' })
      await hangUp(scene, '4202')
    },
  },
  {
    key: '43',
    set: 'more',
    service: 'conference',
    state: 'REFER of a member accepted, the new one rings',
    dials: [dial('talk', '4301', '4300')],
    auto: ['4302'],
    manual: ['4303'],
    conference: { name: 'Referred', number: '4300' },
    steps: {
      talk: (scene) => getsThrough(scene, '4302', '4300'),
      ring: async (scene) => {
        const ringing = rings(scene, '4303')
        await scene.desk.phone('4302').transfer(scene.desk.uri('4303'))
        await ringing
      },
    },
    stands: { '4301': 'talking', '4302': 'talking', '4303': 'ringing' },
    outcome: 'it answers, and who has asked for it is told so (and leaves, as its telephone does)',
    complete: async (scene) => {
      const left = scene.desk.phone('4302').next('CALL_CLOSED')
      await accept(scene, '4303')
      await left
    },
    completed: { '4301': 'talking', '4303': 'talking' },
    end: async (scene) => {
      await hangUp(scene, '4303')
      await order(scene, '4300', { kind: 'end' })
    },
  },
  {
    key: '31',
    service: 'meet-me conference',
    state: 'a caller is asked for the PIN, and has dialled half of it',
    dials: [dial('talk', '3101', '3100')],
    auto: ['3102'],
    conference: { name: 'Briefing', number: '3100', pin: '246810', members: ['3101'] },
    steps: {
      ring: async (scene) => {
        await getsThrough(scene, '3102', '3100')
        await scene.desk.phone('3102').sendDigits('246')
      },
    },
    stands: { '3101': 'talking', '3102': 'talking' },
    outcome: 'he dials the other half and is in',
    complete: ({ desk }) => desk.phone('3102').sendDigits('810#'),
    completed: { '3101': 'talking', '3102': 'talking' },
    end: async (scene) => {
      await hangUp(scene, '3102')
      await order(scene, '3100', { kind: 'end' })
    },
  },
  {
    key: '41',
    set: 'more',
    service: 'conference',
    state: 'locked, a member is muted',
    dials: [dial('talk', '4101', '4100')],
    auto: ['4102', '4103'],
    conference: { name: 'Locked', number: '4100' },
    steps: {
      talk: (scene) => getsThrough(scene, '4102', '4100'),
      ring: async (scene) => {
        await order(scene, '4100', { kind: 'mute', user: '4102', muted: true })
        await order(scene, '4100', { kind: 'lock', locked: true })
      },
    },
    stands: { '4101': 'talking', '4102': 'talking' },
    // The one that is refused.
    briefCalls: 1,
    outcome: 'nobody is let in, and the member is muted; both are taken back, and one dials in',
    complete: async (scene) => {
      await isMuted(scene, '4102')
      await isRefused(scene, '4103', { target: '4100', status: 603 })
      await order(scene, '4100', { kind: 'mute', user: '4102', muted: false })
      await order(scene, '4100', { kind: 'lock', locked: false })
      await getsThrough(scene, '4103', '4100')
    },
    completed: { '4101': 'talking', '4102': 'talking', '4103': 'talking' },
    end: async (scene) => {
      const closed = scene.desk.phone('4103').next('CALL_CLOSED')
      await hangUp(scene, '4102')
      await order(scene, '4100', { kind: 'end' })
      await closed
    },
  },
]

/** By the word of the node; the conference is locked, too. */
async function isMuted({ node }: Scene, user: string): Promise<void> {
  const { conferences: all } = await node.ask('conferences', {})
  const found = all.find(({ members }) => members.some(({ number }) => number === user))
  const isSo = found?.members.some(({ number, muted }) => number === user && muted)
  if (found?.locked !== true || isSo !== true) throw new Error(JSON.stringify(found))
}
