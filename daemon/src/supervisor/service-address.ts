//! The service address on the interface, for each reach mode (ADR 0011, ADR 0016).
//!
//! `shared`: both nodes hold it, and both hear every frame to it: ARP replies tell one multicast MAC,
//! which the LAN floods; requests and announcements that would tell a node's own MAC are dropped.
//! `floating`: both nodes hold it, and no kernel speaks ARP for it; the primary's supervisor does
//! (address-speaker.ts). `direct`: each node holds an address of its own, with the ARP of its kernel.
//!
//! In all modes ICMP errors from it are dropped, since the kernel of a node whose daemon is dead must
//! not refuse what the other node serves. The filter outlives the daemon for that reason, and is
//! removed at a clean stop, last.
import type { NodeConfig } from '../oam/node-config.ts'
import {
  addHostAddress,
  interfaceExists,
  joinGroupMac,
  leaveGroupMac,
  loadFilter,
  removeHostAddress,
  setArpAnnounce,
} from '../platform/network.ts'
import { mayAdministerNetwork } from '../platform/process.ts'
import { failure, type Result, success } from '../result.ts'

type Service = NodeConfig['service']

/** Loopback addresses are there without us: a node for trying things out needs no rights. */
export function isLoopback(service: Service): boolean {
  return service.address.startsWith('127.')
}

/** Sets everything up, also when a crashed run left parts of it. @returns what was done, for the log. */
export async function holdServiceAddress(service: Service): Promise<Result<string>> {
  if (isLoopback(service)) return success('loopback, nothing to set up')
  if (!interfaceExists(service.interface)) return failure('interface-missing', service.interface)
  if (!mayAdministerNetwork()) {
    const what = `${service.address} on ${service.interface}`
    return failure('service-address-denied', `${what} needs CAP_NET_ADMIN`)
  }
  const { address, interface: device, reach, mac } = service
  const steps = [
    // The filter first: not one reply with our own MAC may leave.
    () => loadFilter(filterScript(service)),
    () => addHostAddress(address, device),
  ]
  // Answers to terminals need their MAC, and must not ask for it in the name of the address.
  if (reach !== 'direct') steps.splice(1, 0, async () => setArpAnnounce(device, 2))
  if (mac !== null) steps.splice(2, 0, () => joinGroupMac(mac, device))
  for (const step of steps) {
    const done = await step()
    if (!done.ok) return explain(done.failure.code, done.failure.detail)
  }
  return success(`${reach}: ${address} on ${device}${mac === null ? '' : ` as ${mac}`}`)
}

function explain(code: string, detail: string): Result<never> {
  if (code === 'tool-missing') return failure('tool-missing', detail)
  const denied = /Operation not permitted|EPERM|EACCES|EROFS/.test(detail)
  return failure(denied ? 'service-address-denied' : 'service-address-failed', detail)
}

/** Removes everything; what is not there is no fault. @returns what could not be removed. */
export async function releaseServiceAddress(service: Service): Promise<string[]> {
  if (isLoopback(service)) return []
  const { mac } = service
  const steps = [() => removeHostAddress(service.address, service.interface)]
  if (mac !== null) steps.push(() => leaveGroupMac(mac, service.interface))
  steps.push(() => loadFilter(removalScript(service)))
  const complaints: string[] = []
  for (const step of steps) {
    const done = await step()
    if (!done.ok) complaints.push(done.failure.detail)
  }
  return complaints
}

function tableName(service: Service): string {
  return `vccs_${service.address.replaceAll('.', '_')}`
}

/** `add` before `delete` makes deleting a table that is not there no error. */
function removalScript(service: Service): string {
  const name = tableName(service)
  return ['arp', 'ip']
    .map((family) => `add table ${family} ${name}\ndelete table ${family} ${name}\n`)
    .join('')
}

/** What the kernel may say in ARP as the address; nothing of it concerns a packet socket. */
function arpRules({ address, interface: device, reach, mac }: Service): string[] {
  switch (reach) {
    case 'shared':
      return [
        `arp saddr ip ${address} arp operation request drop`,
        `arp saddr ip ${address} oifname != "${device}" drop`,
        `arp saddr ip ${address} arp operation reply arp saddr ether set ${mac}`,
      ]
    case 'floating':
      return [`arp saddr ip ${address} drop`]
    case 'direct':
      return [`arp saddr ip ${address} oifname != "${device}" drop`]
  }
}

function filterScript(service: Service): string {
  const { address } = service
  const name = tableName(service)
  return `${removalScript(service)}
table arp ${name} {
  chain out {
    type filter hook output priority 0; policy accept;
    ${arpRules(service).join('\n    ')}
  }
}
table ip ${name} {
  chain out {
    type filter hook output priority 0; policy accept;
    ip saddr ${address} icmp type { 3, 4, 5, 11, 12 } drop
  }
}
`
}
