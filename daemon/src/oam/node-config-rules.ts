//! Rules over several keys of the node-local file.
import type { ErrorCode } from '../errors.ts'
import type { WrittenNodeConfig } from './node-config-schema.ts'

export interface Fault {
  readonly code: ErrorCode
  readonly path: readonly (string | number)[]
  readonly text: string
}

/** Enough for one call of two legs, each with an RTP and an RTCP port. */
const rtpPortsMin = 4

export function crossFaults(config: WrittenNodeConfig): Fault[] {
  return [
    ...equalAddresses(config),
    ...equalLinkNames(config),
    ...portFaults(config),
    ...reachFaults(config),
    ...beaconFaults(config),
  ]
}

/** S1.71: the two addresses cannot be equal; the decision by address would have no result. */
function equalAddresses(config: WrittenNodeConfig): Fault[] {
  const places: { path: (string | number)[]; address: string }[] = []
  for (const [index, link] of config.links.entries()) {
    places.push({ path: ['links', index, 'own'], address: link.own })
    places.push({ path: ['links', index, 'peer'], address: link.peer })
  }
  const { address, peerAddress } = config.service
  places.push({ path: ['service', 'address'], address })
  if (peerAddress !== undefined) {
    places.push({ path: ['service', 'peerAddress'], address: peerAddress })
  }
  const faults: Fault[] = []
  for (const [index, place] of places.entries()) {
    const twin = places.slice(0, index).find((other) => other.address === place.address)
    if (twin === undefined) continue
    const text = `${written(place.path)} is ${place.address}, as ${written(twin.path)} is already`
    faults.push({ code: 'config-equal-addresses', path: place.path, text })
  }
  return faults
}

function equalLinkNames(config: WrittenNodeConfig): Fault[] {
  const names = config.links.map((link) => link.name)
  return names.flatMap((name, index) => {
    if (names.indexOf(name) === index) return []
    const path = ['links', index, 'name']
    return [{ code: 'config-value', path, text: `${written(path)}: two links are named ${name}` }]
  })
}

function portFaults(config: WrittenNodeConfig): Fault[] {
  const faults: Fault[] = []
  const add = (path: (string | number)[], text: string) =>
    faults.push({ code: 'config-value', path, text: `${written(path)} ${text}` })
  const { heartbeatPort, syncPort, relayPort } = config.pair
  if (heartbeatPort === syncPort) add(['pair', 'syncPort'], 'must differ from pair.heartbeatPort')
  if (relayPort === heartbeatPort || relayPort === syncPort) {
    add(['pair', 'relayPort'], 'must differ from pair.heartbeatPort and pair.syncPort')
  }
  const { rtpPorts, sipPort } = config.service
  const at = (key: string) => ['service', 'rtpPorts', key]
  if (rtpPorts.first % 2 !== 0) add(at('first'), `is ${rtpPorts.first}; RTP begins at an even port`)
  if (rtpPorts.last - rtpPorts.first + 1 < rtpPortsMin) {
    add(
      at('last'),
      `is ${rtpPorts.last}; one call needs ${rtpPortsMin} ports from ${rtpPorts.first}`,
    )
  }
  if (sipPort >= rtpPorts.first && sipPort <= rtpPorts.last) {
    add(['service', 'sipPort'], `is ${sipPort}, inside the RTP ports`)
  }
  return faults
}

/** Each reach mode has its own keys; one that says nothing in a mode was meant for another one. */
function reachFaults({ service }: WrittenNodeConfig): Fault[] {
  const { reach, mac, peerAddress } = service
  const fault = (key: string, text: string): Fault => {
    const path = ['service', key]
    return { code: 'config-value', path, text: `${written(path)} ${text}` }
  }
  const faults: Fault[] = []
  if (mac !== undefined && reach !== 'shared') faults.push(fault('mac', 'is for reach shared only'))
  if (reach === 'direct' && peerAddress === undefined) {
    faults.push(fault('peerAddress', 'is missing: with reach direct each node has its own address'))
  }
  if (reach !== 'direct' && peerAddress !== undefined) {
    faults.push(fault('peerAddress', 'is for reach direct only'))
  }
  return faults
}

/** A beacon that reaches nobody would look like a primary that is dead. */
function beaconFaults({ beacon, service }: WrittenNodeConfig): Fault[] {
  if (beacon === undefined) return []
  const faults: Fault[] = []
  const add = (path: (string | number)[], text: string) =>
    faults.push({ code: 'config-value', path, text: `${written(path)} ${text}` })
  if (beacon.group === null && beacon.receivers.length === 0) {
    add(['beacon', 'receivers'], 'is empty and there is no group: the beacon would reach nobody')
  }
  for (const [index, { address }] of beacon.receivers.entries()) {
    if (address !== service.address) continue
    add(['beacon', 'receivers', index, 'address'], 'is the service address, which is this pair')
  }
  return faults
}

/** `links[1].own`. */
export function written(path: readonly PropertyKey[]): string {
  let text = ''
  for (const step of path) {
    text += typeof step === 'number' ? `[${step}]` : `${text === '' ? '' : '.'}${String(step)}`
  }
  return text
}
