//! Every command against a scripted daemon: success, failure, JSON and exit codes.
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { logNotification } from '../../daemon/src/control/api.ts'
import type { Operation } from '../../daemon/src/control/operation-schema.ts'
import { failure, success } from '../../daemon/src/result.ts'
import { recordsEnd, recordsHead } from '../../daemon/src/wire/record-xml.ts'
import { healthyStatus } from '../../daemon/test/oam/status-fixture.ts'
import { COMMANDS } from '../src/commands.ts'
import { recordXml } from '../src/record-xml.ts'
import {
  callRecord,
  drillOperation,
  type FakeDaemon,
  healthyHandlers,
  startFakeDaemon,
  switchoverBody,
  vccs,
} from './fake-daemon.ts'

let daemon: FakeDaemon
let good: string
let bad: string
let records: string

test.before(async () => {
  daemon = await startFakeDaemon({}, async (verb) => {
    if (verb === 'status') return success(healthyStatus())
    return failure('peer-unreachable', 'The peer does not answer')
  })
  good = join(daemon.directory, 'good.yaml')
  bad = join(daemon.directory, 'bad.yaml')
  records = join(daemon.directory, 'records.xml')
  await writeFile(good, 'good: 1\n')
  await writeFile(records, `${recordsHead}${recordXml(callRecord)}${recordsEnd}`)
  await writeFile(bad, 'bad: 1\n')
})
test.after.always(() => daemon.close())

/** An ordered change of the role, and what two primaries that met did with the calls. */
const historySeen = new RegExp(
  [
    'stays primary  term 19  \\(merge\\)',
    'handed over 3 sessions and 1 registration of the peer in 75 ms',
    '1 adopted, 0 updated, 1 own kept',
    'closed +s-7 \\(same-terminal\\), and 1 more',
    'ordered   op 3f2a1c by anna \\(root\\): PSU swap',
  ].join('[^]*'),
)

/** Command line (without socket), exit code, what a person sees. */
const successes: readonly (readonly [line: string, code: number, seen: RegExp])[] = [
  ['status', 0, /A switchover now would be SAFE: 0 calls at risk/],
  ['status --node peer', 0, /vccs-b/],
  ['why', 0, /standby → primary {2}term 17 {2}\(peer-lost\)/],
  ['history', 0, historySeen],
  ['op', 0, /3f2a1c {2}.*switchover/],
  ['op 3f2a1c', 0, /op 3f2a1c {2}switchover: done in 22 ms/],
  ['why --if net-b_down', 0, /If net-b down: vccs-a stays primary/],
  ['switchover --dry-run', 0, /\(nothing was changed\)/],
  ['switchover --yes --reason test', 0, /switched vccs-a → vccs-b in 22 ms/],
  ['failover --yes', 0, /switched vccs-a → vccs-b/],
  ['pause --yes --reason test', 0, /paused on both nodes\nNo role changes by itself now/],
  ['resume', 0, /resumed on both nodes/],
  ['reinit --dry-run', 0, /40 records of vccs-b would be removed, and 42 fetched/],
  ['reinit --yes', 0, /done in 22 ms/],
  ['drill --dry-run', 0, /A drill may begin\.\nThe next scheduled drill: 2026-03-14 12:31:02Z/],
  ['drill --yes', 0, /Drill d0d0d0: PASSED[\s\S]* {2}role moved in {6}22 ms/],
  ['sync-db --dry-run', 8, /2 rows differ/],
  ['sync-db --yes', 0, /2 rows repaired, 0 failed[\s\S]*accounts +1002 +written at vccs-b/],
  ['sync status', 0, /1 differed[\s\S]*2 fetched anew[\s\S]*12 operations of the peer/],
  ['sync verify', 8, /accounts +1001 +only here/],
  ['sync failures', 0, /12 +delete accounts 1009 +there is no such row/],
  ['config get accounts.1001', 0, /name: Tower\ntwin: true/],
  [
    'config set accounts.1001.name Tower',
    0,
    /\+ accounts.1001.name: "Tower 1"\napplied as r143 on both nodes/,
  ],
  ['config set accounts.1001.name Tower --dry-run', 0, /nothing was changed \(r143, dry run\)/],
  ['config validate GOOD', 0, /is valid/],
  ['config validate BAD', 7, /bad.yaml:3:5: is not a list/],
  ['config apply GOOD --dry-run', 0, /dry run/],
  ['config apply GOOD', 0, /\.\.\. and 8 more\napplied as r143 on both nodes/],
  ['config export', 0, /^site: tower$/m],
  ['config diff GOOD', 0, /No differences/],
  ['config diff BAD', 8, /- accounts.1001.name: "Tower"/],
  ['cdr', 0, /7f3a12ab {2}2026-03-14 12:31:02Z {2}1 min {3}1001 .* urgent hold {2}200 callee/],
  ['cdr --since 2h --party 1001 --no-answered', 0, /1 call record$/m],
  ['cdr show 7f3a', 0, /ended {7}2026-03-14 12:31:02\.118Z by the callee, status 200/],
  ['cdr export --output OUT', 0, /1 call records in /],
  ['cdr import RECORDS', 0, /^1 of 1 call records added; 0 are known$/m],
  ['call show 7f3a', 0, /a {2}1001 {2}caller {2}talking\n {2}terminal {2}192\.168\.1\.50:5062/],
  ['call release 7f3a --yes --reason stuck', 0, /released 7f3a-12/],
  ['call trace 7f3a', 0, /12:31:02\.118 {2}← INVITE sip:1005@10\.0\.0\.9 \(sdp\)/],
  ['call trace 7f3a --full', 0, /Authorization: Digest masked/],
  ['positions', 0, /TWR-1 {5}1001 {5}● connected {2}anna[\s\S]*1 of 1 position connected/],
  ['positions show 1001', 0, /set {9}busy to 1009/],
  ['groups', 0, /approach {2}500 +first answer {2}1 of 2 {2}1001 1002/],
  ['groups show 500', 0, /1002 {4}offline +0/],
  ['conferences', 0, /briefing +600 +preset {2}● running {2}1 of 2 +PIN +c0ffee-1/],
  ['conferences show briefing', 0, /- {4}1002 +absent +listens {2}-6 dB/],
  ['conferences add briefing 1004', 0, /1004 is called in briefing/],
  ['conferences drop briefing 1004 --yes', 0, /1004 is out in briefing/],
  ['conferences mute briefing 1004', 0, /1004 is muted in briefing/],
  ['conferences weight briefing 1004 -6', 0, /1004 has a weight of -6 dB in briefing/],
  ['conferences unmute briefing 1004', 0, /1004 may talk in briefing/],
  ['conferences lock briefing --reason quiet', 0, /nobody else gets in briefing/],
  ['conferences unlock briefing', 0, /others get in briefing/],
  ['conferences end briefing --yes', 0, /nobody is left in briefing/],
  ['trunks', 0, /acc-north {2}192\.168\.9\.1:5060 {2}● up +2 of 30 +4XXX/],
  ['trunks show acc-north', 0, /state {7}up: answered 12 s ago/],
  ['calls', 0, /7f3a-12 {2}communicating/],
  ['users', 0, /1 of 1 user online/],
  ['alarms --history', 0, /next {6}Check the cable\./],
  ['log -n 10 --level debug', 0, /INFO {2}switch registered user=1001 port=5062/],
  ['version', 0, /daemon {2}0\.1\.0 {2}\(vccs-a/],
  ['release-call 7f3a-12 --yes', 0, /released 7f3a-12/],
  ['completion bash', 0, /complete -o filenames -F _vccs vccs/],
]

/** Commands that print the number of their operation before its outcome. */
const announced = /^(switchover|failover|pause|reinit|drill) --yes|^resume/
const announcedId = /^op (3f2a1c|d0d0d0)\n$/

// One after the other: a hundred commands at once would each wait for all the others, up to the time
// after which a command gives its daemon up.
let outputs = 0

function words(line: string): string[] {
  outputs += 1
  const out = join(daemon.directory, `out-${outputs}.csv`)
  const files: Record<string, string> = { GOOD: good, BAD: bad, OUT: out, RECORDS: records }
  return line.split(' ').map((word) => files[word] ?? word.replace('_', ' '))
}

for (const [line, code, seen] of successes) {
  test.serial(
    `vccs ${line}: prints its screen within 80 columns and leaves with ${code}`,
    async (t) => {
      const result = await vccs([...words(line), '--socket', daemon.socket])
      if (announced.test(line)) t.regex(result.err, announcedId)
      else t.is(result.err, '')
      t.is(result.code, code)
      t.regex(result.out, seen)
      if (line.startsWith('completion') || line.includes('.yaml')) return
      // A path may be longer than a screen; everything else fits.
      const lines = result.out.split('\n').filter((text) => !text.includes(daemon.directory))
      t.true(lines.every((text) => text.length <= 80))
    },
  )

  test.serial(`vccs ${line} --json: prints one object with its schema`, async (t) => {
    const result = await vccs(['--json', '--socket', daemon.socket, ...words(line)])
    t.is(result.err, '')
    t.is(result.code, code)
    t.regex(JSON.parse(result.out).schema, /^vccs\/[a-z.-]+\/1$/)
  })
}

test.serial(
  'every command of the table is in the list of this file, or has a file of its own',
  (t) => {
    const lines = successes.map(([line]) => `${line} `)
    const missing = Object.keys(COMMANDS).filter((id) => {
      return !lines.some((line) => line.startsWith(`${id.replace(':', ' ')} `))
    })
    t.deepEqual(missing, ['beacon', 'init'])
  },
)

test.serial('every command has a summary and an example of itself', (t) => {
  for (const [id, command] of Object.entries(COMMANDS)) {
    const examples = command.examples.map(String).join('\n')
    t.true(command.summary.length > 0, id)
    t.true(examples.includes(`<%= config.bin %> ${id.replace(':', ' ')}`), id)
  }
})

const daemonLines = successes
  .map(([line]) => line)
  .filter((line) => !line.startsWith('completion') && line !== 'version')

test.serial('without a daemon every command says so in JSON and leaves with 4', async (t) => {
  for (const line of daemonLines) {
    const result = await vccs([...words(line), '--json', '--socket', '/nonexistent/control.sock'])
    t.is(result.code, 4, line)
    t.is(result.err, '')
    const { schema, error } = JSON.parse(result.out)
    t.is(schema, 'vccs/error/1')
    t.is(error.code, 'daemon-unreachable')
    t.true(error.next.length > 0)
  }
})

test.serial(
  'without a daemon a person gets one sentence and what to do next, and no output',
  async (t) => {
    const result = await vccs(['status', '--socket', '/nonexistent/control.sock'])
    t.is(result.out, '')
    t.is(
      result.err,
      'Error: The daemon does not run: no socket /nonexistent/control.sock.\n' +
        'Next:  Run `systemctl status vccsd`, or give the right --socket.\n',
    )
  },
)

test.serial('version works without a daemon and says why it knows no more', async (t) => {
  const result = await vccs(['version', '--json', '--socket', '/nonexistent/control.sock'])
  t.is(result.code, 0)
  const { daemon: found, problem } = JSON.parse(result.out)
  t.is(found, null)
  t.regex(problem, /does not run/)
})

test.serial('the socket of the environment is used when no flag is given', async (t) => {
  const before = process.env.VCCS_SOCKET
  process.env.VCCS_SOCKET = daemon.socket
  const result = await vccs(['calls'])
  if (before === undefined) delete process.env.VCCS_SOCKET
  else process.env.VCCS_SOCKET = before
  t.is(result.code, 0)
})

test.serial('a peer that does not answer is told with code 4', async (t) => {
  const result = await vccs(['calls', '--node', 'peer', '--socket', daemon.socket])
  t.is(result.code, 4)
  t.regex(result.err, /^Error: The peer does not answer\.\nNext: /)
})

const refusedByParser: readonly (readonly [line: string, message: RegExp])[] = [
  ['cal', /There is no command "cal"\.\nNext: {2}Did you mean `vccs calls`\?/],
  ['statsu', /There is no command "statsu"\.\nNext: {2}Did you mean `vccs status`\?/],
  ['config gte x', /There is no command "config gte"\.\nNext: {2}Did you mean `vccs config get`\?/],
  ['--jsno status', /There is no flag --jsno\.\nNext: {2}Did you mean --json\?/],
  ['status --jsno', /Nonexistent flag: --jsno\.\nNext: {2}Did you mean --json\?/],
  ['config get', /Missing 1 required arg/],
  ['log --level loud', /Expected --level=loud to be one of/],
  ['status extra', /Unexpected argument: extra/],
  ['log -n many', /Expected an integer but received: many/],
  ['status -w --interval 0', /--interval 0: 0\.2 to 3600 seconds/],
]

for (const [line, message] of refusedByParser) {
  test.serial(`vccs ${line}: usage, code 2, also as JSON`, async (t) => {
    const person = await vccs(line.split(' '))
    t.is(person.code, 2)
    t.is(person.out, '')
    t.regex(person.err, message)
    t.notRegex(person.err, /\n\s+at /)
    const machine = await vccs([...line.split(' '), '--json'])
    t.is(machine.code, 2)
    t.is(machine.err, '')
    t.is(JSON.parse(machine.out).error.code, 'usage')
  })
}

test.serial(
  'a failure of the daemon keeps its code, its next step and its exit code',
  async (t) => {
    const refused = failure('refused-unsafe', 'the standby is not in step')
    const unsafe = await startFakeDaemon({ switchover: async () => refused })
    const result = await vccs(['switchover', '--yes', '--socket', unsafe.socket])
    const json = await vccs(['switchover', '--yes', '--json', '--socket', unsafe.socket])
    await unsafe.close()
    t.is(result.code, 3)
    t.regex(result.err, /^Error: the standby is not in step\.\nNext: {2}Remove the reasons given/)
    t.is(JSON.parse(json.out).error.code, 'refused-unsafe')
  },
)

test.serial('a dry run of an unsafe switchover leaves with 3 and shows the plan', async (t) => {
  const { switchover } = healthyHandlers
  const unsafe = await startFakeDaemon({
    switchover: async (params, context) => {
      const plan = await switchover(params, context)
      return plan.ok ? success({ ...plan.value, safe: false, callsAtRisk: 4 }) : plan
    },
  })
  const result = await vccs(['switchover', '--dry-run', '--socket', unsafe.socket])
  await unsafe.close()
  t.is(result.code, 3)
  t.regex(result.out, /UNSAFE: 4 calls at risk/)
})

test.serial(
  'a node that answers slowly does not hold a failover up for its look afterwards',
  async (t) => {
    let nowMs = 0
    let looks = 0
    const slow = await startFakeDaemon({
      status: async () => {
        looks += 1
        nowMs += 1_900
        return success({ ...healthyStatus(), degraded: ['the peer does not answer'] })
      },
    })
    const order = ['failover', '--yes', '--reason', 'fire', '--socket', slow.socket]
    const { code, out } = await vccs(order, { nowMs: () => nowMs })
    await slow.close()
    t.is(code, 0)
    t.regex(out, /switched/)
    t.is(looks, 2)
  },
)

const asking = ['switchover --reason PSU_swap', 'failover', 'sync-db', 'release-call x']
const askingMore = ['conferences drop x 1', 'conferences end x', 'call release x']
for (const line of [...asking, ...askingMore, 'pause', 'reinit', 'drill']) {
  test.serial(
    `vccs ${line} without a terminal and --yes: code 3 and the command to run`,
    async (t) => {
      const result = await vccs(words(line))
      t.is(result.code, 3)
      t.is(result.out, '')
      const again = line.replace('PSU_swap', "'PSU swap'")
      t.true(result.err.includes(`Next:  Run: vccs ${again} --yes\n`), result.err)
    },
  )
}

test.serial('a switchover asks a person once, and no means that nothing is done', async (t) => {
  const terminal = { interactive: true, answers: [false] }
  const result = await vccs(['switchover', '--socket', daemon.socket], terminal)
  t.deepEqual(result.questions, ['Switch primary from vccs-a to vccs-b?'])
  t.is(result.code, 3)
  t.is(result.out, '')
  const yes = { interactive: true, answers: [true] }
  const done = await vccs(['switchover', '--socket', daemon.socket], yes)
  t.is(done.code, 0)
  t.regex(done.out, /switched vccs-a → vccs-b/)
})

test.serial(
  'a drill that fails says what it found and leaves with 1, and one that is refused with 3',
  async (t) => {
    const { report } = drillOperation
    if (report === null) return t.fail()
    for (const [outcome, code] of [
      ['failed', 1],
      ['refused', 3],
    ] as const) {
      const ended = {
        ...drillOperation,
        report: { ...report, outcome, findings: ['a call was lost'] },
      }
      const fake = await startFakeDaemon({
        op: async () => success({ node: 'vccs-a', operations: [ended] }),
      })
      const result = await vccs(['drill', '--yes', '--socket', fake.socket])
      await fake.close()
      t.is(result.code, code)
      t.regex(result.out, /Found\n {2}a call was lost/)
    }
  },
)

test.serial('a drill is followed while it runs, and what it does is told once', async (t) => {
  const running = { ...drillOperation, state: 'running', report: null, endedAt: null } as const
  const states: Operation[] = [0, 0, 1].map((done) => ({
    ...running,
    progress: { done, of: 2, what: `moves: step ${done}` },
  }))
  const fake = await startFakeDaemon({
    op: async () => success({ node: 'vccs-a', operations: [states.shift() ?? drillOperation] }),
  })
  const result = await vccs(['drill', '--yes', '--socket', fake.socket])
  await fake.close()
  t.is(result.code, 0)
  t.is(result.err, 'op d0d0d0\n0 of 2 moves: step 0\n1 of 2 moves: step 1\n')
})

for (const [state, code] of [
  ['running', 6],
  ['unknown', 6],
  ['failed', 1],
  ['refused', 3],
] as const) {
  test.serial(`vccs op of an operation that is ${state} leaves with ${code}`, async (t) => {
    const fake = await startFakeDaemon({
      op: async () => success({ node: 'vccs-a', operations: [{ ...drillOperation, state }] }),
    })
    const result = await vccs(['op', 'd0d0d0', '--socket', fake.socket])
    await fake.close()
    t.is(result.code, code)
    t.regex(result.out, new RegExp(`drill: ${state}`))
  })
}

test.serial('a failover wants the name of the node typed', async (t) => {
  const line = ['failover', '--socket', daemon.socket]
  const wrong = await vccs(line, { interactive: true, answers: ['yes'] })
  t.is(wrong.code, 3)
  const right = await vccs(line, { interactive: true, answers: ['vccs-b'] })
  t.is(right.code, 0)
})

test.serial('a daemon that answers rubbish, something else, or ends is told as such', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'vccs-cli-'))
  const path = join(directory, 's')
  let answer: string | null = ''
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => (answer === null ? socket.destroy() : socket.end(answer)))
  })
  server.listen(path)
  await once(server, 'listening')
  server.on('error', () => undefined)
  const run = async (reply: string | null, verb = 'calls') => {
    answer = reply
    const result = await vccs([
      verb,
      '--json',
      '--socket',
      path,
      ...(verb === 'calls' ? [] : ['--yes']),
    ])
    return [result.code, JSON.parse(result.out).error.code]
  }
  t.deepEqual(await run('HTTP/1.1 400 Bad Request\r\n\r\n'), [4, 'daemon-version'])
  t.deepEqual(await run('null\n'), [4, 'daemon-version'])
  const newer = '{"jsonrpc":"2.0","id":1,"result":{"schema":"vccs/calls/2"}}\n'
  t.deepEqual(await run(newer), [4, 'daemon-version'])
  t.deepEqual(await run(null), [4, 'daemon-unreachable'])
  t.deepEqual(await run(null, 'switchover'), [6, 'timed-out'])
  answer = '{"jsonrpc":"2.0","method":"op.started","params":{"op":"3f2a1c"}}\n'
  const lost = await vccs(['switchover', '--yes', '--socket', path])
  t.is(lost.code, 6)
  t.regex(lost.err, /^op 3f2a1c\nError: .*unknown\.\nNext: {2}Run `vccs op 3f2a1c`, on either node/)
  await new Promise((resolve) => server.close(resolve))
  await rm(directory, { recursive: true })
})

test.serial('a file that cannot be read is told with its name', async (t) => {
  const result = await vccs(['config', 'apply', '/nonexistent.yaml', '--socket', daemon.socket])
  t.is(result.code, 1)
  t.regex(result.err, /\/nonexistent\.yaml: ENOENT/)
})

test.serial(
  'watch redraws in place on a terminal and survives a daemon that goes away',
  async (t) => {
    const fake = await startFakeDaemon()
    const stop = new AbortController()
    let naps = 0
    const result = await vccs(['status', '-w', '--socket', fake.socket], {
      outIsTerminal: true,
      env: { LANG: 'C.UTF-8', NO_COLOR: '1' },
      stop: stop.signal,
      onSleep: () => {
        naps += 1
        if (naps === 3) stop.abort()
      },
    })
    await fake.close()
    t.is(result.code, 0)
    t.is(result.out.match(/A switchover now/g)?.length, 3)
    const height = result.out.split('\u001b[')[0]?.split('\n').length ?? 0
    t.true(result.out.includes(`\u001b[${height - 1}A\u001b[0J`))
  },
)

test.serial('watch goes on without a daemon and says that it is away', async (t) => {
  const stop = new AbortController()
  const result = await vccs(['status', '-w', '--json', '--socket', '/nonexistent.sock'], {
    stop: stop.signal,
    onSleep: () => stop.abort(),
  })
  t.is(result.code, 0)
  t.is(JSON.parse(result.out).error.code, 'daemon-unreachable')
})

test.serial('log -f prints the last lines and each new one until it is stopped', async (t) => {
  const line = { at: '2026-03-14T12:31:02.118Z', level: 'info', unit: 'pair', fields: {} } as const
  const fake = await startFakeDaemon({
    log: async (_params, context) => {
      context.keepOpen()
      // The early one is already in the answer and must not be printed twice.
      for (const sequence of [1, 2, 3]) {
        context.notify(logNotification, { ...line, sequence, text: `line ${sequence}` })
      }
      return success({ lines: [{ ...line, sequence: 1, text: 'line 1' }], following: true })
    },
  })
  const stop = new AbortController()
  const result = await vccs(['log', '-f', '--json', '--socket', fake.socket], {
    stop: stop.signal,
    onOut: (text) => text.includes('line 3') && stop.abort(),
  })
  await fake.close()
  t.is(result.code, 0)
  const lines = result.out.trim().split('\n')
  t.deepEqual(
    lines.map((text) => JSON.parse(text).sequence),
    [1, 2, 3],
  )
})

test.serial('log -f of the peer asks again for what is newer', async (t) => {
  const line = { at: '2026-03-14T12:31:02.118Z', level: 'info', unit: 'pair', fields: {} } as const
  const asked: unknown[] = []
  const fake = await startFakeDaemon({}, async (_verb, params) => {
    asked.push(params.after)
    const sequence = asked.length
    const lines = [{ ...line, sequence, text: `line ${sequence}` }]
    return success({ schema: 'vccs/log/1', lines, following: false })
  })
  const stop = new AbortController()
  const result = await vccs(['log', '-f', '--node', 'peer', '--socket', fake.socket], {
    stop: stop.signal,
    onOut: (text) => text.includes('line 3') && stop.abort(),
  })
  await fake.close()
  t.is(result.code, 0)
  t.deepEqual(asked, [undefined, 1, 2])
})

test('what is refused says what to do next, and never to force what was forced', async (t) => {
  const refused = async () => failure('refused-unsafe', 'the peer is not heard on any link')
  const lonely = await startFakeDaemon({ switchover: refused, drill: refused })
  const next = async (...argv: string[]) => {
    const { code, err } = await vccs([...argv, '--yes', '--socket', lonely.socket])
    t.is(code, 3)
    return err
  }
  t.regex(await next('switchover'), /\nNext: {2}Remove the reasons given, or use `vccs failover`/)
  t.regex(await next('failover'), /\nNext: {2}Bring the other node back first: `vccs status`/)
  t.regex(await next('drill'), /\nNext: {2}Remove the reasons given; `vccs drill --dry-run`/)
  await lonely.close()
})

test('a plan that would be refused names no new primary, and another one its term', async (t) => {
  const plan = {
    ...switchoverBody,
    ...{ checks: [...switchoverBody.checks], dryRun: true, done: false, op: null, tookMs: null },
  }
  const unsafe = await startFakeDaemon({
    switchover: async () => success({ ...plan, safe: false, callsAtRisk: 2, termAfter: 17 }),
  })
  const bad = await vccs(['switchover', '--dry-run', '--socket', unsafe.socket])
  await unsafe.close()
  t.is(bad.code, 3)
  t.regex(bad.out, /Plan +It would be refused, and vccs-a stays primary\.\nEffect +UNSAFE: 2 calls/)
  const safe = await startFakeDaemon({ switchover: async () => success(plan) })
  const good = await vccs(['switchover', '--dry-run', '--socket', safe.socket])
  await safe.close()
  t.regex(good.out, /Plan +vccs-b becomes primary instead of vccs-a, term 17 (→|->) 18\./)
})

test('operations are listed with their whole time and outcome', async (t) => {
  const detail = `refused: ${'the peer is not heard on any link; '.repeat(4)}`.trim()
  const listing = await startFakeDaemon({
    op: async () =>
      success({ node: 'vccs-a', operations: [{ ...drillOperation, detail, reason: '' }] }),
  })
  const { out } = await vccs(['op', '--socket', listing.socket])
  await listing.close()
  t.regex(out, /d0d0d0 {2}2026-03-14 12:31:02Z {2}drill/)
  t.is(out.split('\n').slice(2).join(' ').replaceAll(/ +/g, ' ').trim(), detail)
})
