//! Transfer (呼叫转接).
import { accept, dial, hangUp, type Row, rings } from '../row.ts'

export const transfers: readonly Row[] = [
  {
    key: '14',
    service: 'transfer',
    state: 'REFER accepted, the target rings',
    dials: [dial('talk', '1401', '1402')],
    auto: ['1402'],
    manual: ['1403'],
    steps: {
      ring: async (scene) => {
        const ringing = rings(scene, '1403')
        await scene.desk.phone('1402').transfer(scene.desk.uri('1403'))
        await ringing
      },
    },
    stands: { '1401': 'talking', '1402': 'talking', '1403': 'ringing' },
    outcome: 'the target answers, the transferor leaves',
    complete: async (scene) => {
      const left = scene.desk.phone('1402').next('CALL_CLOSED')
      await accept(scene, '1403')
      await left
    },
    completed: { '1401': 'talking', '1403': 'talking' },
    end: (scene) => hangUp(scene, '1403'),
  },
  {
    key: '51',
    set: 'more',
    service: 'transfer',
    state: 'REFER accepted, a group rings',
    dials: [dial('talk', '5101', '5102')],
    auto: ['5102'],
    manual: ['5103', '5104'],
    group: { number: '5100', members: ['5103', '5104'] },
    steps: {
      ring: async (scene) => {
        const ringing = rings(scene, '5103', '5104')
        await scene.desk.phone('5102').transfer(scene.desk.uri('5100'))
        await ringing
      },
    },
    stands: { '5101': 'talking', '5102': 'talking', '5103': 'ringing', '5104': 'ringing' },
    outcome: 'one answers, the other one rings no more, the transferor leaves',
    complete: async (scene) => {
      const over = ['5102', '5104'].map((number) => scene.desk.phone(number).next('CALL_CLOSED'))
      await accept(scene, '5103')
      await Promise.all(over)
    },
    completed: { '5101': 'talking', '5103': 'talking' },
    end: (scene) => hangUp(scene, '5103'),
  },
  {
    key: '35',
    service: 'attended transfer',
    state: 'one is held, the other one is consulted',
    linphone: '3502',
    auto: ['3501', '3503'],
    steps: {
      talk: async ({ desk }) => {
        await desk.linphone.calls(desk.uri('3501'))
        await desk.linphone.does('pause', /is now paused/)
        await desk.linphone.calls(desk.uri('3503'))
      },
    },
    stands: { '3501': 'talking', '3502': 'hold and talking', '3503': 'talking' },
    outcome: 'REFER with Replaces: both talk to each other, the transferor leaves',
    complete: ({ desk }) => desk.linphone.transfers(desk.uri('3501'), desk.uri('3503')),
    completed: { '3501': 'talking', '3503': 'talking' },
    end: (scene) => hangUp(scene, '3503'),
  },
]
