//! Calls that wait for a busy line: queues (排队) and calls back (遇忙回叫).
import { accept, answers, dial, dials, hangUp, type Row, rings, sets, waits } from '../row.ts'

export const queues: readonly Row[] = [
  {
    key: '19',
    service: 'queue',
    state: 'queued',
    dials: [dial('talk', '1901', '1902')],
    auto: ['1903'],
    manual: ['1902'],
    accounts: { '1902': { line: { waiting: 5 } } },
    steps: {
      talk: (scene) => answers(scene, '1902'),
      ring: (scene) => dials(scene, '1903', '1902'),
    },
    stands: { '1901': 'talking', '1902': 'talking', '1903': 'calling' },
    outcome: 'the line becomes free, rings for who waits, and is answered',
    complete: async (scene) => {
      const ringing = rings(scene, '1902')
      await hangUp(scene, '1902')
      await ringing
      const established = scene.desk.phone('1903').next('CALL_ESTABLISHED')
      await accept(scene, '1902')
      await established
    },
    completed: { '1902': 'talking', '1903': 'talking' },
    end: (scene) => hangUp(scene, '1903'),
  },
  {
    key: '24',
    service: 'call back on busy',
    state: 'waiting for the line',
    dials: [dial('talk', '2401', '2402')],
    auto: ['2402', '2403'],
    steps: { ring: (scene) => sets(scene, '2403', '*662402') },
    stands: { '2401': 'talking', '2402': 'talking' },
    // That by which it is asked for.
    briefCalls: 1,
    outcome: 'the line becomes free, the asker is called, and then the number',
    complete: async (scene) => {
      const established = scene.desk.phone('2403').next('CALL_ESTABLISHED')
      await hangUp(scene, '2402')
      await established
    },
    completed: { '2402': 'talking', '2403': 'talking' },
    end: (scene) => hangUp(scene, '2403'),
  },
  {
    key: '40',
    set: 'more',
    service: 'queue',
    state: 'an urgent call waits before an older one',
    dials: [
      dial('talk', '4001', '4002'),
      dial('ring', '4003', '4002'),
      dial('ring', '4004', '*364002'),
    ],
    manual: ['4002'],
    accounts: {
      '4002': { line: { waiting: 5 } },
      '4004': { rights: { priorityMax: 'urgent' } },
    },
    steps: { talk: (scene) => answers(scene, '4002') },
    stands: { '4001': 'talking', '4002': 'talking', '4003': 'calling', '4004': 'calling' },
    outcome: 'the line rings for the urgent one first, then for the older one, who goes on',
    complete: async (scene) => {
      const first = answers(scene, '4002')
      await hangUp(scene, '4002')
      await first
      await waits(scene, '40', { '4002': 'talking', '4003': 'calling', '4004': 'talking' })
      const second = answers(scene, '4002')
      await hangUp(scene, '4002')
      await second
    },
    completed: { '4002': 'talking', '4003': 'talking' },
    end: (scene) => hangUp(scene, '4002'),
  },
  {
    key: '44',
    set: 'more',
    service: 'call back on busy',
    state: 'the asker rings',
    dials: [dial('talk', '4401', '4402')],
    auto: ['4402'],
    manual: ['4403'],
    steps: {
      ring: async (scene) => {
        await sets(scene, '4403', '*664402')
        const ringing = rings(scene, '4403')
        await hangUp(scene, '4402')
        await ringing
      },
    },
    stands: { '4403': 'ringing' },
    // That by which it is asked for, and that for which the line was busy.
    briefCalls: 2,
    outcome: 'he answers, and the number is called',
    complete: (scene) => accept(scene, '4403'),
    completed: { '4402': 'talking', '4403': 'talking' },
    end: (scene) => hangUp(scene, '4403'),
  },
  {
    key: '45',
    set: 'more',
    service: 'call back on busy',
    state: 'the asker hears it ring',
    dials: [dial('talk', '4501', '4502')],
    auto: ['4503'],
    manual: ['4502'],
    steps: {
      talk: (scene) => answers(scene, '4502'),
      ring: async (scene) => {
        await sets(scene, '4503', '*664502')
        const ringing = rings(scene, '4502')
        await hangUp(scene, '4502')
        await ringing
      },
    },
    stands: { '4502': 'ringing', '4503': 'talking' },
    // That by which it is asked for, and that for which the line was busy.
    briefCalls: 2,
    outcome: 'answered',
    complete: (scene) => accept(scene, '4502'),
    completed: { '4502': 'talking', '4503': 'talking' },
    end: (scene) => hangUp(scene, '4503'),
  },
]
