//! Calls that press in: intrusion (强插), forced release (强拆) and priority calls (优先呼叫).
import {
  accept,
  answers,
  dial,
  dials,
  getsThrough,
  hangUp,
  type Row,
  rings,
  waits,
} from '../row.ts'

export const priority: readonly Row[] = [
  {
    key: '17',
    service: 'intrusion',
    state: 'waiting',
    dials: [dial('talk', '1701', '1702')],
    auto: ['1702', '1703'],
    accounts: { '1703': { rights: { intrude: true } } },
    last: async (scene) => {
      await dials(scene, '1703', '*371702')
      await waits(scene, '17', { '1701': 'talking', '1702': 'talking', '1703': 'calling' })
    },
    stands: { '1701': 'talking', '1702': 'talking', '1703': 'calling' },
    outcome: 'enters the call after its wait; leaves, and the call goes on',
    complete: (scene) =>
      waits(scene, '17', { '1701': 'talking', '1702': 'talking', '1703': 'talking' }),
    completed: { '1701': 'talking', '1702': 'talking', '1703': 'talking' },
    end: async (scene) => {
      await hangUp(scene, '1703')
      await waits(scene, '17', { '1701': 'talking', '1702': 'talking' })
      await hangUp(scene, '1702')
    },
  },
  {
    key: '18',
    service: 'intrusion',
    state: 'active',
    dials: [dial('talk', '1801', '1802')],
    auto: ['1802', '1803'],
    accounts: { '1803': { rights: { intrude: true } } },
    steps: {
      talk: async (scene) => {
        await waits(scene, '18', { '1801': 'talking', '1802': 'talking' })
        await getsThrough(scene, '1803', '*371802')
      },
    },
    stands: { '1801': 'talking', '1802': 'talking', '1803': 'talking' },
    // That in which the intruder waited: it is over when he enters.
    briefCalls: 1,
    outcome: 'the intruder leaves, the call goes on',
    complete: (scene) => hangUp(scene, '1803'),
    completed: { '1801': 'talking', '1802': 'talking' },
    end: (scene) => hangUp(scene, '1802'),
  },
  {
    key: '30',
    service: 'forced release',
    state: 'waiting, who talks is warned',
    dials: [dial('talk', '3001', '3002')],
    manual: ['3002'],
    auto: ['3003'],
    accounts: { '3003': { rights: { forceRelease: true } } },
    steps: { talk: (scene) => answers(scene, '3002') },
    last: async (scene) => {
      await dials(scene, '3003', '*383002')
      await waits(scene, '30', { '3001': 'talking', '3002': 'talking', '3003': 'calling' })
    },
    isBrief: true,
    stands: { '3001': 'talking', '3002': 'talking', '3003': 'calling' },
    next: { '3002': 'ringing', '3003': 'calling' },
    outcome: 'the conversation ends after its wait, the line rings for who waits, and is answered',
    complete: async (scene) => {
      await waits(scene, '30', { '3002': 'ringing', '3003': 'calling' })
      await accept(scene, '3002')
    },
    completed: { '3002': 'talking', '3003': 'talking' },
    end: (scene) => hangUp(scene, '3002'),
  },
  {
    key: '34',
    set: 'more',
    service: 'priority call',
    state: 'rings on the line that it has taken from another call',
    dials: [dial('talk', '3401', '3402'), dial('ring', '3403', '*393402')],
    manual: ['3402'],
    accounts: { '3403': { rights: { priorityMax: 'emergency' } } },
    steps: {
      talk: (scene) => answers(scene, '3402'),
      ring: (scene) => rings(scene, '3402'),
    },
    stands: { '3402': 'ringing', '3403': 'calling' },
    // The one from which the line was taken.
    briefCalls: 1,
    outcome: 'answered',
    complete: (scene) => accept(scene, '3402'),
    completed: { '3402': 'talking', '3403': 'talking' },
    end: (scene) => hangUp(scene, '3402'),
  },
]
