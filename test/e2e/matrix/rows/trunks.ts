//! Calls over trunks (中继路由).
import { accept, answers, dial, dials, hangUp, type Row, rings, waits } from '../row.ts'

export const trunks: readonly Row[] = [
  {
    key: '27',
    service: 'trunk',
    state: 'rings at another system',
    dials: [dial('ring', '2701', '2702')],
    outside: '2702',
    steps: { ring: (scene) => rings(scene, '2702') },
    stands: { '2701': 'calling', '2702': 'ringing' },
    outcome: 'answered',
    complete: (scene) => accept(scene, '2702'),
    completed: { '2701': 'talking', '2702': 'talking' },
    end: (scene) => hangUp(scene, '2702'),
  },
  {
    key: '33',
    service: 'trunk',
    state: 'talking with another system',
    dials: [dial('talk', '3301', '3302')],
    outside: '3302',
    steps: { talk: (scene) => answers(scene, '3302') },
    stands: { '3301': 'talking', '3302': 'talking' },
    outcome: 'goes on',
    complete: async () => undefined,
    completed: { '3301': 'talking', '3302': 'talking' },
    end: (scene) => hangUp(scene, '3302'),
  },
  {
    key: '49',
    set: 'more',
    service: 'trunk',
    state: 'a call of another system rings',
    outside: '4901',
    manual: ['4902'],
    steps: {
      ring: async (scene) => {
        await Promise.all([dials(scene, '4901', '4902'), rings(scene, '4902')])
      },
    },
    stands: { '4901': 'calling', '4902': 'ringing' },
    outcome: 'answered',
    complete: (scene) => accept(scene, '4902'),
    completed: { '4901': 'talking', '4902': 'talking' },
    end: (scene) => hangUp(scene, '4902'),
  },
  {
    key: '48',
    set: 'more',
    service: 'trunk',
    state: 'rings at another system, which will refuse it',
    auto: ['4801'],
    outside: '4802',
    called: [
      {
        ...{ number: '4802', scenario: 'uas-rings-and-refuses', pauseMs: 5_000, isOutside: true },
        values: { status: '503' },
      },
    ],
    last: async (scene) => {
      await dials(scene, '4801', '4802')
      await waits(scene, '48', { '4801': 'calling', '4802': 'ringing' })
    },
    stands: { '4801': 'calling', '4802': 'ringing' },
    next: { '4801': 'calling', '4802': 'calling' },
    outcome: 'refused (503), it goes the other way, and is answered',
    complete: (scene) => answers(scene, '4802'),
    completed: { '4801': 'talking', '4802': 'talking' },
    end: (scene) => hangUp(scene, '4802'),
  },
]
