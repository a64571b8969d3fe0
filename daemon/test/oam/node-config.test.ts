//! The node-local file: every message has its place, and nothing unsafe is taken.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { busAddress } from '../../src/oam/node-config.ts'
import {
  derivePairKeys,
  loadNodeConfig,
  parseNodeConfig,
  readPairSecret,
} from '../../src/oam/node-config-load.ts'

const good = `node: vccs-a
site: tower
links:
  - { name: net-a, own: 192.168.1.200, peer: 192.168.1.201 }
  - { name: net-b, own: 192.168.2.200, peer: 192.168.2.201 }
pair:
  keyFile: pair.key
service:
  address: 192.168.1.210
  interface: eth0
`

function config(text: string) {
  const parsed = parseNodeConfig(text)
  if (!parsed.ok) throw new Error(parsed.failure.detail)
  return parsed.value
}

test('a short file gets its defaults', (t) => {
  const value = config(good)
  t.deepEqual(value.pair, {
    keyFile: 'pair.key',
    heartbeatPort: 5700,
    syncPort: 5701,
    relayPort: 5703,
    heartbeatMs: 100,
    missesMax: 5,
    tieBreak: 'larger-address',
  })
  t.like(value.service, {
    reach: 'shared',
    mac: '03:bf:c0:a8:01:d2',
    sipPort: 5060,
    realm: 'tower',
  })
  t.deepEqual(value.service.rtpPorts, { first: 20_000, last: 29_999 })
  t.is(value.media.backend, 'auto')
  t.is(value.database, '/var/lib/vccs/vccs.db')
  t.is(value.controlSocket, '/run/vccs/control.sock')
  t.deepEqual(value.log, { level: 'info', file: null })
})

for (const mode of ['floating', 'direct'] as const) {
  test(`the example of reach ${mode} is valid`, (t) => {
    const path = join(import.meta.dirname, `../../../etc/reach-${mode}.example.yaml`)
    t.is(config(readFileSync(path, 'utf8')).service.reach, mode)
  })
}

for (const node of ['a', 'b']) {
  test(`the example of node ${node} is valid`, (t) => {
    const path = join(import.meta.dirname, `../../../etc/vccs-${node}.example.yaml`)
    t.is(config(readFileSync(path, 'utf8')).node, `vccs-${node}`)
  })
}

test('each reach mode has its own keys, and the MAC of shared only is a group', (t) => {
  t.is(config(good).service.peerAddress, null)
  const floating = config(`${good}  reach: floating\n`)
  t.like(floating.service, { reach: 'floating', mac: null, peerAddress: null })
  const direct = config(`${good}  reach: direct\n  peerAddress: 192.168.1.211\n`)
  t.like(direct.service, { reach: 'direct', mac: null, peerAddress: '192.168.1.211' })
})

test('the bus is on two unix sockets or on two ports of the loopback', (t) => {
  const value = config(good)
  t.deepEqual(busAddress(value, 'pair'), { transport: 'unix', path: '/run/vccs/pair.sock' })
  const tcp = config(`${good}bus: { transport: tcp, tcpPort: 6000 }\n`)
  t.deepEqual(busAddress(tcp, 'switch'), { transport: 'tcp', host: '127.0.0.1', port: 6001 })
})

interface Case {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly code: string
  readonly detail: string
}

const cases: readonly Case[] = [
  {
    name: 'a misspelt key is refused with the nearest one',
    from: 'keyFile:',
    to: 'keyfile:',
    code: 'config-value',
    detail:
      '7:3: pair.keyFile is missing\n7:3: pair.keyfile is not a known key; did you mean keyFile?',
  },
  {
    name: 'an unknown key without a neighbour is refused',
    from: 'site: tower',
    to: 'site: tower\nsomething: 1',
    code: 'config-unknown-key',
    detail: '3:1: something is not a known key',
  },
  {
    name: 'an unknown key in a link is refused',
    from: 'peer: 192.168.1.201 }',
    to: 'peer: 192.168.1.201, per: 1 }',
    code: 'config-unknown-key',
    detail: '4:61: links[0].per is not a known key; did you mean peer?',
  },
  {
    name: 'own and peer address of a link differ',
    from: 'peer: 192.168.1.201',
    to: 'peer: 192.168.1.200',
    code: 'config-equal-addresses',
    detail: '4:46: links[0].peer is 192.168.1.200, as links[0].own is already',
  },
  {
    name: 'two links have different addresses',
    from: 'own: 192.168.2.200',
    to: 'own: 192.168.1.200',
    code: 'config-equal-addresses',
    detail: '5:25: links[1].own is 192.168.1.200, as links[0].own is already',
  },
  {
    name: 'the service address is a third one',
    from: '192.168.1.210',
    to: '192.168.1.201',
    code: 'config-equal-addresses',
    detail: '9:12: service.address is 192.168.1.201, as links[0].peer is already',
  },
  {
    name: 'a reach mode is one of three',
    from: 'interface: eth0',
    to: 'interface: eth0\n  reach: fluid',
    code: 'config-value',
    detail: '11:10: service.reach must be shared, floating or direct',
  },
  {
    name: 'reach direct needs the address of the peer',
    from: 'interface: eth0',
    to: 'interface: eth0\n  reach: direct',
    code: 'config-value',
    detail: '9:3: service.peerAddress is missing: with reach direct each node has its own address',
  },
  {
    name: 'the addresses of two nodes differ',
    from: 'interface: eth0',
    to: 'interface: eth0\n  reach: direct\n  peerAddress: 192.168.1.210',
    code: 'config-equal-addresses',
    detail: '12:16: service.peerAddress is 192.168.1.210, as service.address is already',
  },
  {
    name: 'an address of the peer says nothing where both hold one',
    from: 'interface: eth0',
    to: 'interface: eth0\n  reach: floating\n  peerAddress: 192.168.1.211',
    code: 'config-value',
    detail: '12:16: service.peerAddress is for reach direct only',
  },
  {
    name: 'a MAC says nothing where the interface has its own',
    from: 'interface: eth0',
    to: 'interface: eth0\n  reach: floating\n  mac: 03:bf:00:00:00:01',
    code: 'config-value',
    detail: '12:8: service.mac is for reach shared only',
  },
  {
    name: 'relayed voice has a port of its own',
    from: 'keyFile: pair.key',
    to: 'keyFile: pair.key\n  relayPort: 5701',
    code: 'config-value',
    detail: '8:14: pair.relayPort must differ from pair.heartbeatPort and pair.syncPort',
  },
  {
    name: 'an address has four numbers below 256',
    from: '192.168.1.210',
    to: '192.168.1.256',
    code: 'config-value',
    detail: '9:12: service.address is not the IPv4 address of a host, such as 192.168.1.200',
  },
  {
    name: 'an address has no leading zeros',
    from: '192.168.1.210',
    to: '192.168.1.010',
    code: 'config-value',
    detail: '9:12: service.address is not the IPv4 address of a host, such as 192.168.1.200',
  },
  {
    name: 'a group address is nobody',
    from: '192.168.1.210',
    to: '224.0.0.1',
    code: 'config-value',
    detail: '9:12: service.address is not the IPv4 address of a host, such as 192.168.1.200',
  },
  {
    name: 'the name of an interface cannot carry a command',
    from: 'eth0',
    to: '"eth0; reboot"',
    code: 'config-value',
    detail: '10:14: service.interface is not the name of a network interface',
  },
  {
    name: 'the name of an interface is at most 15 characters long',
    from: 'eth0',
    to: 'a123456789012345',
    code: 'config-value',
    detail: '10:14: service.interface is not the name of a network interface',
  },
  {
    name: 'a node name is what a heartbeat can carry',
    from: 'node: vccs-a',
    to: 'node: Turm A',
    code: 'config-value',
    detail: '1:7: node is not a node name: 1 to 32 of a-z, 0-9 and "-"',
  },
  {
    name: 'RTP begins at an even port',
    from: 'interface: eth0',
    to: 'interface: eth0\n  rtpPorts: { first: 20001, last: 29999 }',
    code: 'config-value',
    detail: '11:22: service.rtpPorts.first is 20001; RTP begins at an even port',
  },
  {
    name: 'the RTP ports have room for a call',
    from: 'interface: eth0',
    to: 'interface: eth0\n  rtpPorts: { first: 20000, last: 20002 }',
    code: 'config-value',
    detail: '11:35: service.rtpPorts.last is 20002; one call needs 4 ports from 20000',
  },
  {
    name: 'the SIP port is outside the RTP ports',
    from: 'interface: eth0',
    to: 'interface: eth0\n  sipPort: 20000',
    code: 'config-value',
    detail: '11:12: service.sipPort is 20000, inside the RTP ports',
  },
  {
    name: 'heartbeat and sync have different ports',
    from: 'keyFile: pair.key',
    to: 'keyFile: pair.key\n  syncPort: 5700',
    code: 'config-value',
    detail: '8:13: pair.syncPort must differ from pair.heartbeatPort',
  },
  {
    name: 'a port is a number in its range',
    from: 'keyFile: pair.key',
    to: 'keyFile: pair.key\n  syncPort: 70000',
    code: 'config-value',
    detail: '8:13: pair.syncPort must be at most 65535',
  },
  {
    name: 'a period is a whole number',
    from: 'keyFile: pair.key',
    to: 'keyFile: pair.key\n  heartbeatMs: 99.5',
    code: 'config-value',
    detail: '8:16: pair.heartbeatMs must be a whole number',
  },
  {
    name: 'a MAC of one host is no multicast MAC',
    from: 'interface: eth0',
    to: 'interface: eth0\n  mac: 02:bf:00:00:00:01',
    code: 'config-value',
    detail: '11:8: service.mac is not a multicast MAC in small letters, such as 03:bf:c0:a8:01:02',
  },
  {
    name: 'two links have different names',
    from: 'name: net-b',
    to: 'name: net-a',
    code: 'config-value',
    detail: '5:13: links[1].name: two links are named net-a',
  },
  {
    name: 'a choice is one of its words',
    from: 'site: tower',
    to: 'site: tower\nmedia: { backend: fast }',
    code: 'config-value',
    detail: '3:19: media.backend must be auto, ffi or dgram',
  },
  {
    name: 'a key is written once',
    from: 'site: tower',
    to: 'site: tower\nsite: tower',
    code: 'config-syntax',
    detail: '3:1: Map keys must be unique',
  },
  {
    name: 'what is not YAML is told with its place',
    from: 'links:',
    to: 'links: [',
    code: 'config-syntax',
    detail: '4:3: ',
  },
]

for (const { name, from, to, code, detail } of cases) {
  test(name, (t) => {
    const parsed = parseNodeConfig(good.replace(from, to))
    if (parsed.ok) return t.fail('it was taken')
    t.is(parsed.failure.code, code as never)
    t.is(parsed.failure.detail.slice(0, detail.length), detail)
    for (const line of parsed.failure.detail.split('\n')) t.regex(line, /^\d+:\d+: /)
  })
}

test('a pair has one to three links', (t) => {
  const links = (count: number) => {
    const lines = Array.from({ length: count }, (_, n) => {
      return `  - { name: l${n}, own: 10.0.${n}.1, peer: 10.0.${n}.2 }\n`
    })
    return parseNodeConfig(
      good.replace(/links:\n(.*\n){2}/, `links:${count ? '\n' : ' []\n'}${lines.join('')}`),
    )
  }
  t.true(links(1).ok)
  t.true(links(3).ok)
  for (const count of [0, 4]) {
    const parsed = links(count)
    t.regex(parsed.ok ? '' : parsed.failure.detail, /^\d+:\d+: links (needs|has)/)
  }
})

test('a beacon gets its defaults, and its key file is checked like that of the pair', (t) => {
  const value = config(`${good}beacon: { keyFile: beacon.key }\n`)
  t.deepEqual(value.beacon, {
    keyFile: 'beacon.key',
    group: '239.255.86.67',
    port: 5702,
    hops: 1,
    interface: 'eth0',
    receivers: [],
    standby: false,
    tags: {},
  })
  t.is(config(good).beacon, null)
  const folder = mkdtempSync(join(tmpdir(), 'vccs-config-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'pair.key'), 'x'.repeat(32), { mode: 0o600 })
  writeFileSync(join(folder, 'node.yaml'), `${good}beacon: { keyFile: beacon.key }\n`)
  const loaded = loadNodeConfig(join(folder, 'node.yaml'))
  t.regex(loaded.ok ? '' : loaded.failure.detail, /^11:\d+: key file .*beacon\.key: no such file/)
})

const badBeacons: readonly (readonly [what: string, beacon: string, detail: RegExp])[] = [
  ['no key', '{}', /beacon\.keyFile is missing/],
  [
    'a group that is none',
    '{ keyFile: k, group: 192.168.1.1 }',
    /beacon\.group is not a multicast/,
  ],
  ['a group of routers', '{ keyFile: k, group: 224.0.0.5 }', /beacon\.group is not a multicast/],
  [
    'nobody to hear it',
    '{ keyFile: k, group: null }',
    /beacon\.receivers is empty and there is no/,
  ],
  [
    'the pair as receiver',
    '{ keyFile: k, receivers: [ { address: 192.168.1.210 } ] }',
    /receivers\[0\]\.address is the service address/,
  ],
  ['a tag that XML cannot name', '{ keyFile: k, tags: { 1a: x } }', /is not a tag/],
  ['too long a tag', `{ keyFile: k, tags: { a: ${'x'.repeat(65)} } }`, /beacon\.tags\.a/],
  ['a misspelt key', '{ keyFile: k, recievers: [] }', /did you mean receivers\?/],
]
for (const [what, beacon, detail] of badBeacons) {
  test(`a beacon with ${what} is refused`, (t) => {
    const parsed = parseNodeConfig(`${good}beacon: ${beacon}\n`)
    t.regex(parsed.ok ? '' : parsed.failure.detail, detail)
  })
}

test('an alias that grows without end is refused', (t) => {
  const bomb = `a: &a [x, x]\n${Array.from({ length: 9 }, (_, n) => {
    const letter = (at: number) => String.fromCharCode(97 + at)
    return `${letter(n + 1)}: &${letter(n + 1)} [${Array(9)
      .fill(`*${letter(n)}`)
      .join(', ')}]`
  }).join('\n')}\n`
  const parsed = parseNodeConfig(bomb)
  t.is(parsed.ok ? '' : parsed.failure.code, 'config-syntax')
})

test('the key file must be there, long enough, and closed to others', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-config-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'node.yaml')
  const key = join(directory, 'pair.key')
  writeFileSync(path, good)
  const told = () => {
    const loaded = loadNodeConfig(path)
    return loaded.ok ? 'ok' : `${loaded.failure.code} ${loaded.failure.detail}`
  }
  t.is(told(), `key-missing 7:12: key file ${key}: no such file`)
  writeFileSync(key, 'x'.repeat(31), { mode: 0o600 })
  t.is(told(), `key-missing 7:12: key file ${key} has 31 bytes, not 32`)
  writeFileSync(key, `${'x'.repeat(32)}\n`)
  t.is(told(), 'ok')
  for (const mode of [0o640, 0o604, 0o620]) {
    chmodSync(key, mode)
    t.regex(told(), /^key-readable 7:12: key file .* has mode 06\d\d; it must be 0600$/)
  }
})

test('paths are seen from the directory of the file', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-config-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'pair.key'), `${'x'.repeat(32)}\r\n`, { mode: 0o600 })
  writeFileSync(join(directory, 'node.yaml'), `${good}runDirectory: run\n`)
  const loaded = loadNodeConfig(join(directory, 'node.yaml'))
  if (!loaded.ok) return t.fail(loaded.failure.detail)
  t.is(loaded.value.runDirectory, join(directory, 'run'))
  t.is(loaded.value.controlSocket, join(directory, 'run/control.sock'))
  const secret = readPairSecret(loaded.value)
  t.deepEqual(secret.ok && [...secret.value], Array(32).fill(120), 'without the line break')
})

test('a file that cannot be read is told without a stack', (t) => {
  const missing = loadNodeConfig('/nowhere/node.yaml')
  t.deepEqual(missing.ok ? {} : missing.failure, {
    code: 'config-unreadable',
    detail: '1:1: cannot be read: no such file',
  })
  const directory = loadNodeConfig('/tmp')
  t.is(directory.ok ? '' : directory.failure.code, 'config-unreadable')
})

test('each use of the pair key has a key of its own', (t) => {
  const keys = derivePairKeys(new Uint8Array(32).fill(7))
  const hex = Object.values(keys).map((key) => Buffer.from(key).toString('hex'))
  t.is(new Set(hex).size, 4)
  t.deepEqual(keys, derivePairKeys(new Uint8Array(32).fill(7)))
  t.notDeepEqual(keys.sync, derivePairKeys(new Uint8Array(32).fill(8)).sync)
})
