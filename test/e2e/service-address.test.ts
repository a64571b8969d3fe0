//! The service address in each reach mode, on real interfaces: two nodes and a terminal on a bridge.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test, { type ExecutionContext } from 'ava'
import { LabNetwork, lanInterface, serviceAddress } from '../../scripts/net/netns.ts'

const source = join(import.meta.dirname, '../../daemon/src/supervisor/service-address.ts')
const mac = '03:bf:0a:5a:00:0a'
const service = { address: serviceAddress, interface: lanInterface, reach: 'shared', mac }
const port = 16_000

/** Skipped tests are listed by ava; this line says why. */
function onlyAsRoot(log: (text: string) => void): typeof test | typeof test.skip {
  if (process.getuid?.() === 0) return test
  log('SKIPPED service-address: network namespaces with real interfaces need root\n')
  return test.skip
}

const rootTest = onlyAsRoot((text) => process.stderr.write(text))

/** Runs lines of a module in a member's namespace and gives what they print. */
function inNode(network: LabNetwork, member: string, code: string): string {
  const command = [process.execPath, '--input-type=module-typescript', '--eval', code]
  return network.exec(member, command).trim()
}

function callService(
  network: LabNetwork,
  node: string,
  verb: string,
  given: object = service,
): unknown {
  const code = `import * as address from '${source}'
    console.log(JSON.stringify(await address.${verb}(${JSON.stringify(given)})))`
  return JSON.parse(inNode(network, node, code))
}

/** Answers each datagram to the service address with its own name. */
async function startEcho(t: ExecutionContext, network: LabNetwork, node: string) {
  const code = `import { createSocket } from 'node:dgram'
    const socket = createSocket('udp4')
    socket.on('message', (bytes, from) => socket.send('${node}:' + bytes, from.port, from.address))
    socket.bind(${port}, '${serviceAddress}', () => console.log('bound'))`
  const namespace = `--net=/run/netns/${network.namespace(node)}`
  const evaluated = ['--input-type=module-typescript', '--eval', code]
  const child: ChildProcess = spawn('nsenter', [namespace, '--', process.execPath, ...evaluated], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.on('error', (error) => t.log(error.message))
  t.teardown(() => child.kill('SIGKILL'))
  if (child.stdout === null) throw new Error('no output')
  await once(createInterface(child.stdout), 'line')
}

/** Sends to a port without a listener, then to the echo port, and collects two answers. An ICMP error
 * to the first would come before the answers to the second. */
function askBoth(network: LabNetwork): { answers: string[]; errors: string[] } {
  const code = `import { createSocket } from 'node:dgram'
    const answers = []
    const errors = []
    const silent = createSocket('udp4')
    silent.on('error', (error) => errors.push(error.code))
    silent.connect(${port + 1}, '${serviceAddress}', () => silent.send('nobody', () => {
      const socket = createSocket('udp4')
      socket.on('message', (bytes, from) => {
        answers.push(bytes + ' from ' + from.address + ':' + from.port)
        if (answers.length < 2) return
        console.log(JSON.stringify({ answers, errors }))
        process.exit(0)
      })
      socket.send('hello', ${port}, '${serviceAddress}')
    }))
    setTimeout(() => { console.log(JSON.stringify({ answers, errors })); process.exit(0) }, 5000)`
  return JSON.parse(inNode(network, 'p1', code))
}

rootTest(
  'both nodes hear what a terminal sends to the service address, and both answer as it',
  async (t) => {
    const network = LabNetwork.create({ members: ['p1'] })
    t.teardown(() => network.close())
    for (const node of ['a', 'b']) {
      t.like(callService(network, node, 'holdServiceAddress'), { ok: true })
      // Left over from a crashed run: the same again.
      t.like(callService(network, node, 'holdServiceAddress'), { ok: true })
      await startEcho(t, network, node)
    }
    const { answers, errors } = askBoth(network)
    t.deepEqual(answers.sort(), [
      `a:hello from ${serviceAddress}:${port}`,
      `b:hello from ${serviceAddress}:${port}`,
    ])
    t.deepEqual(errors, [], 'a node without a listener sends no ICMP error')
    const neighbour = network.exec('p1', ['ip', 'neigh', 'show', serviceAddress])
    t.regex(neighbour, new RegExp(`lladdr ${mac} `), 'the terminal knows the multicast MAC')
    const route = network.exec('a', ['ip', 'route', 'get', network.address('p1')])
    t.regex(route, new RegExp(`src ${network.address('a')}`), 'never the source of own connections')
    t.notRegex(network.exec('b', ['ip', 'neigh', 'show']), new RegExp(`^${serviceAddress} `, 'm'))

    for (const node of ['a', 'b']) {
      t.deepEqual(callService(network, node, 'releaseServiceAddress'), [])
      t.notRegex(network.exec(node, ['ip', 'addr']), new RegExp(`${serviceAddress}/`))
      t.notRegex(network.exec(node, ['ip', 'maddr', 'show', 'dev', lanInterface]), new RegExp(mac))
      t.is(network.exec(node, ['/usr/sbin/nft', 'list', 'tables']).trim(), '')
    }
  },
)

/** What the terminal knows of the MAC of the service address, after it has asked for it three times. */
function resolved(network: LabNetwork): string {
  const ask = `echo > /dev/udp/${serviceAddress}/${port}
    for i in $(seq 50); do
      ip neigh show ${serviceAddress} | grep -E 'lladdr|FAILED' && exit
      sleep 0.1
    done`
  return network.exec('p1', ['bash', '-c', ask])
}

rootTest('no kernel answers for an address that floats', (t) => {
  const network = LabNetwork.create({ members: ['p1'] })
  t.teardown(() => network.close())
  const floating = { ...service, reach: 'floating', mac: null }
  for (const node of ['a', 'b']) {
    t.like(callService(network, node, 'holdServiceAddress', floating), { ok: true })
    t.like(callService(network, node, 'holdServiceAddress', floating), { ok: true })
    t.regex(network.exec(node, ['ip', 'addr']), new RegExp(`${serviceAddress}/32`))
  }
  t.notRegex(resolved(network), /lladdr/, 'neither kernel has answered')
  for (const node of ['a', 'b']) {
    t.deepEqual(callService(network, node, 'releaseServiceAddress', floating), [])
    t.notRegex(network.exec(node, ['ip', 'addr']), new RegExp(`${serviceAddress}/`))
    t.is(network.exec(node, ['/usr/sbin/nft', 'list', 'tables']).trim(), '')
  }
})

rootTest(
  'an address of its own is answered by its kernel, and what was there before stays',
  (t) => {
    const network = LabNetwork.create({ members: ['p1'] })
    t.teardown(() => network.close())
    const direct = { ...service, reach: 'direct', mac: null }
    t.like(callService(network, 'a', 'holdServiceAddress', direct), { ok: true })
    t.regex(resolved(network), new RegExp(`lladdr ${network.mac('a', lanInterface)} `))
    t.deepEqual(callService(network, 'a', 'releaseServiceAddress', direct), [])
    t.notRegex(network.exec('a', ['ip', 'addr']), new RegExp(`${serviceAddress}/`))
    // The address that the administrator gave to the interface is no one of ours.
    const given = { ...direct, address: network.address('b') }
    t.like(callService(network, 'b', 'holdServiceAddress', given), { ok: true })
    t.deepEqual(callService(network, 'b', 'releaseServiceAddress', given), [])
    t.regex(network.exec('b', ['ip', 'addr']), new RegExp(`${network.address('b')}/24`))
  },
)

rootTest('an interface that does not exist is named, and the loopback needs nothing', (t) => {
  const network = LabNetwork.create({ members: [] })
  t.teardown(() => network.close())
  const call = (one: object) => {
    const code = `import * as address from '${source}'
      console.log(JSON.stringify(await address.holdServiceAddress(${JSON.stringify(one)})))`
    return JSON.parse(inNode(network, 'a', code))
  }
  t.deepEqual(call({ ...service, interface: 'eth77' }), {
    ok: false,
    failure: { code: 'interface-missing', detail: 'eth77' },
  })
  t.like(call({ ...service, address: '127.0.9.9', interface: 'lo' }), { ok: true })
  t.is(network.exec('a', ['/usr/sbin/nft', 'list', 'tables']).trim(), '')
})

rootTest('without CAP_NET_ADMIN the start is refused with its reason', (t) => {
  const network = LabNetwork.create({ members: [] })
  t.teardown(() => network.close())
  const code = `import * as address from '${source}'
    console.log(JSON.stringify(await address.holdServiceAddress(${JSON.stringify(service)})))`
  const bare = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin']
  const node = [process.execPath, '--input-type=module-typescript', '--eval', code]
  const answer = JSON.parse(network.exec('a', [...bare, ...node]))
  t.is(answer.failure.code, 'service-address-denied')
})
