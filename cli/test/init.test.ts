//! `vccs init`: flags or answers, the file, the key, and what it refuses.
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { loadNodeConfig } from '../../daemon/src/oam/node-config-load.ts'
import { vccs } from './fake-daemon.ts'

let directory: string
test.beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vccs-init-'))
})
test.afterEach.always(() => rm(directory, { recursive: true }))

function flags(): string[] {
  return [
    'init --name vccs-a --site tower --service-address 192.168.1.210 --interface eth0',
    '--link net-a=192.168.1.200,192.168.1.201 --link private=10.99.0.1,10.99.0.2',
    `--output ${directory}/node.yaml`,
  ].flatMap((line) => line.split(' '))
}

test.serial(
  'flags alone make a file that the daemon accepts, and a key of mode 0600',
  async (t) => {
    const result = await vccs(flags())
    t.is(result.code, 0)
    t.deepEqual(result.questions, [])
    const loaded = loadNodeConfig(join(directory, 'node.yaml'))
    t.true(loaded.ok)
    if (!loaded.ok) return
    t.is(loaded.value.node, 'vccs-a')
    t.deepEqual(
      loaded.value.links.map(({ name, own, peer }) => [name, own, peer]),
      [
        ['net-a', '192.168.1.200', '192.168.1.201'],
        ['private', '10.99.0.1', '10.99.0.2'],
      ],
    )
    t.is((await stat(loaded.value.pair.keyFile)).mode & 0o777, 0o600)
    t.is((await stat(join(directory, 'node.yaml'))).mode & 0o777, 0o600)
    // The matching command for the other node is right there, with the addresses exchanged.
    t.regex(result.out, /vccs init --name vccs-b --site tower/)
    t.regex(result.out, /--link net-a=192\.168\.1\.201,192\.168\.1\.200/)
  },
)

test.serial(
  'on a terminal it asks for what is missing, and for no more than three links',
  async (t) => {
    const answers = [
      'net-a=192.168.1.200,192.168.1.201',
      '',
      'tower',
      'vccs-a',
      'floating',
      '192.168.1.210',
      'eth0',
    ]
    const terminal = { interactive: true, answers }
    const result = await vccs(['init', '-o', join(directory, 'node.yaml')], terminal)
    t.is(result.code, 0, result.err)
    t.is(result.questions.length, 7)
    const loaded = loadNodeConfig(join(directory, 'node.yaml'))
    t.true(loaded.ok && loaded.value.service.reach === 'floating')
  },
)

test.serial('with an address for each node both are asked for, and exchanged', async (t) => {
  const answers = [
    ...['net-a=192.168.1.200,192.168.1.201', '', 'tower', 'vccs-a', 'direct'],
    ...['192.168.1.210', '192.168.1.211', 'eth0'],
  ]
  const file = join(directory, 'node.yaml')
  const result = await vccs(['init', '-o', file], { interactive: true, answers })
  t.is(result.code, 0, result.err)
  const loaded = loadNodeConfig(file)
  t.like(loaded.ok ? loaded.value.service : null, {
    reach: 'direct',
    address: '192.168.1.210',
    peerAddress: '192.168.1.211',
  })
  const exchanged = /--service-address 192\.168\.1\.211 --peer-service-address 192\.168\.1\.210/
  t.regex(result.out, exchanged)
  t.regex(result.out, /--reach direct/)
  const needless = await vccs([...flags(), '--force', '--peer-service-address', '192.168.1.211'])
  t.is(needless.code, 7)
  t.regex(needless.err, /service\.peerAddress is for reach direct only/)
})

test.serial('without a terminal a missing flag is named', async (t) => {
  const result = await vccs(['init', '--name', 'vccs-a', '-o', join(directory, 'node.yaml')])
  t.is(result.code, 2)
  t.regex(result.err, /^Error: --link is missing/)
})

test.serial('an existing file stays without --force, and an existing key always', async (t) => {
  await writeFile(join(directory, 'node.yaml'), 'mine\n')
  const key = `${'k'.repeat(40)}\n`
  await writeFile(join(directory, 'pair.key'), key, { mode: 0o600 })
  const refused = await vccs([...flags(), '--json'])
  t.is(refused.code, 3)
  t.is(JSON.parse(refused.out).error.code, 'file-exists')
  t.is(await readFile(join(directory, 'node.yaml'), 'utf8'), 'mine\n')
  const forced = await vccs([...flags(), '--force', '--json'])
  t.is(forced.code, 0)
  t.deepEqual(JSON.parse(forced.out).keyMade, false)
  t.is(await readFile(join(directory, 'pair.key'), 'utf8'), key)
  t.true(loadNodeConfig(join(directory, 'node.yaml')).ok)
})

test.serial('wrong answers write nothing and are told with the rule of the daemon', async (t) => {
  const same = flags().map((word) => word.replace('192.168.1.201', '192.168.1.200'))
  const result = await vccs(same)
  t.is(result.code, 7)
  t.regex(result.err, /192\.168\.1\.200/)
  t.deepEqual(await readdir(directory), [])
  const link = await vccs([...flags(), '--link', 'nonsense'])
  t.is(link.code, 2)
  t.regex(link.err, /--link nonsense is not NAME=OWN,PEER/)
})
