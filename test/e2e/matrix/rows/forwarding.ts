//! Calls that go on to somebody else, or are not wanted: forwarding (呼叫转移) and do not disturb, by the site and
//! by the user.
import {
  accept,
  dial,
  dials,
  getsThrough,
  hangUp,
  isRefused,
  type Row,
  rings,
  sets,
  waits,
} from '../row.ts'

export const forwarding: readonly Row[] = [
  {
    key: '15',
    service: 'forwarding',
    state: 'forwarded, rings at the target',
    dials: [dial('ring', '1501', '1502')],
    manual: ['1503'],
    accounts: { '1502': { forward: { always: '1503' } } },
    steps: { ring: (scene) => rings(scene, '1503') },
    stands: { '1501': 'calling', '1503': 'ringing' },
    outcome: 'the target answers',
    complete: (scene) => accept(scene, '1503'),
    completed: { '1501': 'talking', '1503': 'talking' },
    end: (scene) => hangUp(scene, '1503'),
  },
  {
    key: '47',
    set: 'more',
    service: 'forwarding',
    state: 'rings, and will be forwarded when nobody answers',
    auto: ['4701'],
    manual: ['4702', '4703'],
    accounts: { '4702': { line: { noAnswerSeconds: 5 }, forward: { noAnswer: '4703' } } },
    last: async (scene) => {
      await dials(scene, '4701', '4702')
      await waits(scene, '47', { '4701': 'calling', '4702': 'ringing' })
    },
    stands: { '4701': 'calling', '4702': 'ringing' },
    next: { '4701': 'calling', '4703': 'ringing' },
    outcome: 'rings at the target when its time is over, and the target answers',
    complete: async (scene) => {
      await waits(scene, '47', { '4701': 'calling', '4703': 'ringing' })
      await accept(scene, '4703')
    },
    completed: { '4701': 'talking', '4703': 'talking' },
    end: (scene) => hangUp(scene, '4703'),
  },
  {
    key: '37',
    service: 'forwarding',
    state: 'set by the user',
    auto: ['3701', '3703'],
    manual: ['3702'],
    steps: { talk: (scene) => sets(scene, '3701', '*723702') },
    stands: {},
    // That of the setting.
    briefCalls: 1,
    outcome: 'in force: a call rings at the target, which answers',
    complete: async (scene) => {
      await Promise.all([dials(scene, '3703', '3701'), rings(scene, '3702')])
      await accept(scene, '3702')
    },
    completed: { '3702': 'talking', '3703': 'talking' },
    end: (scene) => hangUp(scene, '3702'),
  },
  {
    key: '36',
    service: 'do not disturb',
    state: 'set by the user',
    auto: ['3601', '3602'],
    steps: { talk: (scene) => sets(scene, '3601', '*78') },
    stands: {},
    // That of each setting, and the one that is refused.
    briefCalls: 3,
    outcome: 'in force: a call is refused; taken back, and the next one is answered',
    complete: async (scene) => {
      await isRefused(scene, '3602', { target: '3601', status: 480 })
      await sets(scene, '3601', '*79')
      await getsThrough(scene, '3602', '3601')
    },
    completed: { '3601': 'talking', '3602': 'talking' },
    end: (scene) => hangUp(scene, '3601'),
  },
]
