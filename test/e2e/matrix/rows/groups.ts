//! Groups (群组): those who are called together, and those who pick up for each other.
import { accept, dial, getsThrough, hangUp, type Row, rings, waits } from '../row.ts'

export const groups: readonly Row[] = [
  {
    key: '25',
    service: 'group call',
    state: 'rings at all members',
    dials: [dial('ring', '2501', '2500')],
    manual: ['2502', '2503'],
    group: { number: '2500', members: ['2502', '2503'] },
    steps: { ring: (scene) => rings(scene, '2502', '2503') },
    stands: { '2501': 'calling', '2502': 'ringing', '2503': 'ringing' },
    outcome: 'one answers, the other one rings no more',
    complete: async (scene) => {
      const silent = scene.desk.phone('2503').next('CALL_CLOSED')
      await accept(scene, '2502')
      await silent
    },
    completed: { '2501': 'talking', '2502': 'talking' },
    end: (scene) => hangUp(scene, '2502'),
  },
  {
    key: '28',
    service: 'group call, all join',
    state: 'rings at all members',
    dials: [dial('ring', '2801', '2800')],
    manual: ['2802', '2803'],
    group: { number: '2800', mode: 'all', members: ['2802', '2803'] },
    steps: { ring: (scene) => rings(scene, '2802', '2803') },
    stands: { '2801': 'calling', '2802': 'ringing', '2803': 'ringing' },
    outcome: 'both answer and are in; one leaves, and two go on',
    complete: async (scene) => {
      await accept(scene, '2802')
      await accept(scene, '2803')
    },
    completed: { '2801': 'talking', '2802': 'talking', '2803': 'talking' },
    end: async (scene) => {
      await hangUp(scene, '2802')
      await waits(scene, '28', { '2801': 'talking', '2803': 'talking' })
      await hangUp(scene, '2803')
    },
  },
  {
    key: '26',
    service: 'pick-up',
    state: 'rings at another one of the group',
    dials: [dial('ring', '2601', '2602')],
    manual: ['2602'],
    auto: ['2603'],
    accounts: {
      '2602': { line: { pickupGroup: 'tower' } },
      '2603': { line: { pickupGroup: 'tower' } },
    },
    steps: { ring: (scene) => rings(scene, '2602') },
    stands: { '2601': 'calling', '2602': 'ringing' },
    outcome: 'picked up',
    complete: async (scene) => {
      const silent = scene.desk.phone('2602').next('CALL_CLOSED')
      await getsThrough(scene, '2603', '**2602')
      await silent
    },
    completed: { '2601': 'talking', '2603': 'talking' },
    end: (scene) => hangUp(scene, '2603'),
  },
]
