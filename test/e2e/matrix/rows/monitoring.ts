//! Who listens: monitoring (监听) of a position, and of a conversation.
import { dial, getsThrough, hangUp, listens, type Row, waits } from '../row.ts'

export const monitoring: readonly Row[] = [
  {
    key: '20',
    service: 'monitoring',
    state: 'of a position (Subject: monitoring)',
    typed: [listens('2001', '2002')],
    auto: ['2002'],
    accounts: {
      '2001': { rights: { monitor: true } },
      '2002': { rights: { beMonitored: true } },
    },
    stands: { '2001': 'talking', '2002': 'talking' },
    outcome: 'goes on',
    complete: async () => undefined,
    completed: { '2001': 'talking', '2002': 'talking' },
    end: (scene) => hangUp(scene, '2002'),
  },
  {
    key: '23',
    service: 'monitoring',
    state: 'of a conversation',
    dials: [dial('talk', '2301', '2302')],
    auto: ['2302', '2303'],
    accounts: {
      '2302': { rights: { beMonitored: true } },
      '2303': { rights: { monitor: true } },
    },
    steps: {
      talk: async (scene) => {
        await waits(scene, '23', { '2301': 'talking', '2302': 'talking' })
        await getsThrough(scene, '2303', '*352302')
      },
    },
    stands: { '2301': 'talking', '2302': 'talking', '2303': 'talking' },
    outcome: 'goes on; the listener leaves, and the conversation goes on',
    complete: async () => undefined,
    completed: { '2301': 'talking', '2302': 'talking', '2303': 'talking' },
    end: async (scene) => {
      await hangUp(scene, '2303')
      await waits(scene, '23', { '2301': 'talking', '2302': 'talking' })
      await hangUp(scene, '2302')
    },
  },
]
