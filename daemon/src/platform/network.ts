//! Addresses, group addresses and packet filters of the machine, through `ip` and `nft`.

import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { failure, type Result, success } from '../result.ts'
import { errorText, readSystemFile } from './files.ts'
import { runTool } from './process.ts'

const ip = (args: readonly string[]) => runTool({ program: 'ip', args, debianPackage: 'iproute2' })
const nft = (args: readonly string[], input?: string) => {
  const run = { program: 'nft', args, debianPackage: 'nftables' }
  return runTool(input === undefined ? run : { ...run, input })
}

/** Asks /proc, which shows the network namespace of this process; /sys shows that of its mount. */
export function interfaceExists(name: string): boolean {
  const lines = readSystemFile('/proc/net/dev')?.split('\n') ?? []
  return lines.some((line) => line.trimStart().startsWith(`${name}:`))
}

const addressesSchema = z.array(
  z.looseObject({
    addr_info: z.array(
      z.looseObject({
        local: z.string().optional(),
        /** Never preferred: the mark of those that were added here. */
        deprecated: z.boolean().optional(),
      }),
    ),
  }),
)
type HeldAddress = z.infer<typeof addressesSchema>[number]['addr_info'][number]

const interfacesSchema = z.array(
  z.looseObject({
    ifindex: z.int(),
    address: z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/),
  }),
)

/** Number and MAC of an Ethernet interface. */
export async function interfaceFacts(
  device: string,
): Promise<Result<{ readonly index: number; readonly mac: string }>> {
  const shown = await ip(['-j', 'link', 'show', 'dev', device])
  if (!shown.ok) return shown
  try {
    const [first] = interfacesSchema.parse(JSON.parse(shown.value))
    if (first !== undefined) return success({ index: first.ifindex, mac: first.address })
  } catch {
    // Told below: an interface without a MAC, such as a tunnel.
  }
  return failure('tool-failed', `${device} is no Ethernet interface`)
}

/** Adds `address` as /32 without a route and never preferred, so that the kernel does not take it as
 * the source of the node's own connections. An address that is there stays. */
export async function addHostAddress(address: string, device: string): Promise<Result<string>> {
  const shown = await ip(['-j', '-4', 'addr', 'show', 'dev', device])
  if (!shown.ok) return shown
  if (parseAddresses(shown.value).some((held) => held.local === address)) return shown
  const lifetime = ['valid_lft', 'forever', 'preferred_lft', '0']
  return ip(['addr', 'add', `${address}/32`, 'dev', device, 'noprefixroute', ...lifetime])
}

function parseAddresses(text: string): HeldAddress[] {
  try {
    const devices = addressesSchema.parse(JSON.parse(text))
    return devices.flatMap((one) => one.addr_info)
  } catch {
    return []
  }
}

/** Removes an address that `addHostAddress` has added. One that the administrator has given to the
 * interface stays. */
export async function removeHostAddress(address: string, device: string): Promise<Result<string>> {
  const shown = await ip(['-j', '-4', 'addr', 'show', 'dev', device])
  if (!shown.ok) return shown
  const held = parseAddresses(shown.value).find((one) => one.local === address)
  if (held === undefined) return failure('tool-failed', `${device} does not hold ${address}`)
  if (held.deprecated !== true) return success('')
  return ip(['addr', 'del', `${address}/32`, 'dev', device])
}

/** Lets the interface receive frames to a multicast MAC. The kernel counts additions, so that one that
 * is there is not added again. */
export async function joinGroupMac(mac: string, device: string): Promise<Result<string>> {
  const shown = await ip(['maddr', 'show', 'dev', device])
  if (!shown.ok || new RegExp(`^\\s*link\\s+${mac}\\b`, 'm').test(shown.value)) return shown
  return ip(['maddr', 'add', mac, 'dev', device])
}

export function leaveGroupMac(mac: string, device: string): Promise<Result<string>> {
  return ip(['maddr', 'del', mac, 'dev', device])
}

/** Loads an nftables script; all of it or nothing. */
export function loadFilter(script: string): Promise<Result<string>> {
  return nft(['-f', '-'], script)
}

/** Which local address a terminal's ARP request for its answer tells: 2 is the interface's own. */
export function setArpAnnounce(device: string, value: 0 | 1 | 2): Result<string> {
  const path = `/proc/sys/net/ipv4/conf/${device}/arp_announce`
  try {
    writeFileSync(path, `${value}\n`)
    return success('')
  } catch (error) {
    return failure('tool-failed', `${path}: ${errorText(error)}`)
  }
}
