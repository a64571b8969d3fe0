//! Calls of two, and what is heard before anybody answers.
import { accept, dial, dials, getsThrough, hangUp, type Row, rings, speaks, waits } from '../row.ts'

export const calls: readonly Row[] = [
  {
    key: '11',
    service: 'call',
    state: 'ringing',
    dials: [dial('ring', '1101', '1102')],
    manual: ['1102'],
    steps: { ring: (scene) => rings(scene, '1102') },
    stands: { '1101': 'calling', '1102': 'ringing' },
    outcome: 'answered',
    complete: (scene) => accept(scene, '1102'),
    completed: { '1101': 'talking', '1102': 'talking' },
    end: (scene) => hangUp(scene, '1102'),
  },
  {
    key: '12',
    service: 'call',
    state: 'talking',
    dials: [dial('talk', '1201', '1202')],
    auto: ['1202'],
    stands: { '1201': 'talking', '1202': 'talking' },
    outcome: 'goes on',
    complete: async () => undefined,
    completed: { '1201': 'talking', '1202': 'talking' },
    end: (scene) => hangUp(scene, '1202'),
  },
  {
    key: '13',
    service: 'hold',
    state: 'held',
    auto: ['1301', '1302'],
    steps: {
      talk: async (scene) => {
        await getsThrough(scene, '1301', '1302')
        await waits(scene, '13', { '1301': 'talking', '1302': 'talking' })
        await scene.desk.phone('1301').hold()
      },
    },
    stands: { '1301': 'hold', '1302': 'talking' },
    outcome: 'resumed',
    complete: ({ desk }) => desk.phone('1301').resume(),
    completed: { '1301': 'talking', '1302': 'talking' },
    end: (scene) => hangUp(scene, '1301'),
  },
  {
    key: '22',
    service: 'call record',
    state: 'pending: the call ends as the node goes',
    dials: [dial('talk', '2201', '2202')],
    auto: ['2202'],
    stands: { '2201': 'talking', '2202': 'talking' },
    moment: ({ desk }) => desk.phone('2202').hangUp(),
    outcome: 'the call is over, one record of it on each node',
    complete: (scene) => waits(scene, '22', {}),
    completed: {},
    end: async () => undefined,
  },
  {
    key: '29',
    service: 'instantaneous access',
    state: 'half duplex, beside a conversation',
    dials: [dial('talk', '2901', '2902')],
    typed: [speaks('2903', '2902')],
    auto: ['2902'],
    stands: { '2901': 'talking', '2902': 'talking', '2903': 'talking' },
    outcome: 'goes on, as the conversation does',
    complete: async () => undefined,
    completed: { '2901': 'talking', '2902': 'talking', '2903': 'talking' },
    end: async (scene) => {
      await hangUp(scene, '2902')
      await hangUp(scene, '2902')
    },
  },
  {
    key: '46',
    set: 'more',
    service: 'call',
    state: 'rings at two telephones of one account',
    dials: [dial('ring', '4601', '4602')],
    manual: ['4602', '4602b'],
    accounts: { '4602': { line: { contacts: 2 } } },
    steps: { ring: (scene) => rings(scene, '4602', '4602b') },
    stands: { '4601': 'calling', '4602': 'ringing' },
    outcome: 'one answers, the other one rings no more',
    complete: async (scene) => {
      const silent = scene.desk.phone('4602').next('CALL_CLOSED')
      await accept(scene, '4602b')
      await silent
    },
    completed: { '4601': 'talking', '4602': 'talking' },
    end: (scene) => hangUp(scene, '4602b'),
  },
  {
    key: '50',
    set: 'more',
    service: 'call',
    state: 'heard before it is answered (early media)',
    auto: ['5001'],
    called: [{ number: '5002', scenario: 'uas-speaks-early', pauseMs: 5_000 }],
    last: async (scene) => {
      await dials(scene, '5001', '5002')
      await waits(scene, '50', { '5001': 'calling', '5002': 'ringing' })
    },
    stands: { '5001': 'calling', '5002': 'ringing' },
    outcome: 'answered',
    complete: (scene) => waits(scene, '50', { '5001': 'talking', '5002': 'talking' }),
    completed: { '5001': 'talking', '5002': 'talking' },
    end: (scene) => hangUp(scene, '5001'),
  },
  {
    key: '32',
    service: 'failure tone',
    state: 'heard in band',
    auto: ['3201'],
    accounts: { '3201': { line: { failureTones: true } }, '3209': { type: 'gateway' } },
    // The gateway is away: 503, which is a tone without a pause.
    site: {
      trunks: { away: { account: '3209', optionsSeconds: 0 } },
      routes: { away: { pattern: '3202', trunks: ['away'] } },
    },
    last: async (scene) => {
      await dials(scene, '3201', '3202')
      await waits(scene, '32', { '3201': 'calling' })
    },
    stands: { '3201': 'calling' },
    outcome: 'heard on, and at its end the caller is told by SIP (503)',
    complete: async ({ desk }) => {
      const { param } = await desk.phone('3201').next('CALL_CLOSED')
      if (!param.includes('503')) throw new Error(`3201 was told ${param}`)
    },
    completed: {},
    end: async () => undefined,
  },
]
