//! One call, its end and its ladder; and what a person sees who names what is not there.
import test from 'ava'
import { success } from '../../daemon/src/result.ts'
import { startFakeDaemon, vccs } from './fake-daemon.ts'

test('a release shows the call, asks once, and gives the reason and the operator on', async (t) => {
  const asked: unknown[] = []
  const daemon = await startFakeDaemon({
    'call.release': async (params) => {
      asked.push(params)
      return success({ sessionId: '7f3a-12', reason: params.reason })
    },
  })
  const argv = ['call', 'release', '7f3a', '--reason', 'stuck', '--socket', daemon.socket]
  const no = await vccs(argv, { interactive: true, answers: [false] })
  t.deepEqual([no.code, no.questions, asked.length], [3, ['End the call 7f3a?'], 0])
  t.regex(no.err, /1001 {2}caller {2}talking/)
  const yes = await vccs([...argv, '--operator', 'anna'], { interactive: true, answers: [true] })
  const unattended = await vccs(argv)
  await daemon.close()
  t.is(yes.out, 'released 7f3a-12\n')
  t.deepEqual(asked, [{ sessionId: '7f3a', reason: 'stuck', operator: 'anna' }])
  t.is(unattended.code, 3)
  t.true(unattended.err.includes('Next:  Run: vccs call release 7f3a --reason stuck'))
})

test('the ladder has a column a leg, and names the leg in each line when there are many', async (t) => {
  const daemon = await startFakeDaemon()
  const argv = ['call', 'trace', '7f3a', '--socket', daemon.socket]
  const { out } = await vccs(argv)
  t.is(
    out,
    [
      'TIME          a 1001                           b 1002',
      '12:31:02.118  ← INVITE sip:1005@10.0.0.9 (sdp)',
      '12:31:02.118  → 100 Trying, INVITE',
      '12:31:02.118                                   → INVITE sip:1002@192.168.1.51:5~',
      '12:31:02.118                                   ← 180 Ringing, INVITE',
      '',
    ].join('\n'),
  )
  const narrow = await vccs(argv, { columns: 50, env: { LANG: 'C' } })
  await daemon.close()
  t.regex(narrow.out, /^TIME {10}LEG\n12:31:02\.118 {2}a 1001 {7}<- INVITE sip:/)
})

test('a trace that is followed prints each message once, and ends with the call', async (t) => {
  let turn = 0
  const at = '2026-03-14T12:31:02.118Z'
  const place = { at, leg: 'a', number: '1001', address: '10.0.0.1:5060', text: 'x' }
  const daemon = await startFakeDaemon({
    'call.trace': async ({ after }) => {
      turn += 1
      const message = { ...place, sequence: turn, direction: 'in' as const, summary: `M${turn}` }
      const messages = turn === 2 ? [] : [message].filter(({ sequence }) => sequence > after)
      const part = { sessionId: '7f3a-12', node: 'vccs-a', messages, more: false, cut: false }
      return success({ ...part, live: turn < 4 })
    },
  })
  const argv = ['call', 'trace', '7f3a', '-f', '--socket', daemon.socket]
  const person = await vccs(argv)
  turn = 0
  const machine = await vccs([...argv, '--json'])
  await daemon.close()
  t.is(person.code, 0)
  t.deepEqual(person.out.match(/M\d|TIME/g), ['TIME', 'M1', 'M3', 'M4'])
  const lines = machine.out.trim().split('\n')
  t.deepEqual(
    lines.map((line) => JSON.parse(line).schema),
    Array(3).fill('vccs/call.message/1'),
  )
})

test('what is not there is named, with what is near', async (t) => {
  const daemon = await startFakeDaemon()
  const ask = (line: string) => vccs([...line.split(' '), '--socket', daemon.socket])
  const near = await ask('groups show aproach')
  const far = await ask('trunks show xyz')
  const call = await ask('call show 9999')
  await daemon.close()
  t.deepEqual([near.code, far.code, call.code], [1, 1, 1])
  t.regex(near.err, /There is no "aproach"\.\nNext: {2}Did you mean approach\?/)
  t.regex(far.err, /There are: acc-north\./)
  t.regex(call.err, /one that has ended is in `vccs cdr`/)
})

test('a site without groups, conferences or trunks says so', async (t) => {
  const daemon = await startFakeDaemon({
    positions: async () => success({ positions: [], asOf: '2026-03-14T12:31:02.118Z' }),
    groups: async () => success({ groups: [] }),
    conferences: async () => success({ conferences: [] }),
    trunks: async () => success({ trunks: [] }),
  })
  for (const word of ['positions', 'groups', 'conferences', 'trunks']) {
    const result = await vccs([word, '--socket', daemon.socket])
    t.regex(result.out, /^No (positions|groups|conferences|trunks)/)
    t.is(result.code, 0)
  }
  await daemon.close()
})
