//! The keys of the node-local file, their values and defaults. Rules over several keys are in
//! node-config-rules.ts.
import { z } from 'zod'
import { tieBreaks } from '../bus/messages.ts'
import { limits } from '../limits.ts'
import { reachModes } from './node-config.ts'

/** Four decimal numbers without leading zeros. */
function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return (
    parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && +part <= 255)
  )
}

/** An address that one host can have: not 0/8, not multicast, not reserved, not broadcast. */
function isHostAddress(text: string): boolean {
  const first = Number(text.split('.')[0])
  return isIpv4(text) && first >= 1 && first < 224
}

const address = z
  .string()
  .max(15)
  .refine(isHostAddress, 'is not the IPv4 address of a host, such as 192.168.1.200')
/** Without the blocks that routers and the network itself use. */
const multicastGroup = z
  .string()
  .max(15)
  .refine(
    (text) => isIpv4(text) && /^(22[4-9]|23[0-9])\./.test(text) && !text.startsWith('224.0.0.'),
    'is not a multicast group, such as 239.255.86.67',
  )
const port = z.int().min(1024).max(65_535)
const name = (what: string) =>
  z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, `is not ${what}: 1 to 32 of a-z, 0-9 and "-"`)
const path = z
  .string()
  .min(1, 'is empty')
  .max(4_096)
  .refine((text) => !text.includes('\0'), 'holds a zero byte')
/** The kernel takes more, but these also pass unquoted through `ip` and `nft`. */
const networkInterface = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/, 'is not the name of a network interface')
/** The lowest bit of the first byte makes it a group address, which a LAN floods. */
const multicastMac = z
  .string()
  .regex(
    /^[0-9a-f][13579bdf](:[0-9a-f]{2}){5}$/,
    'is not a multicast MAC in small letters, such as 03:bf:c0:a8:01:02',
  )

const link = z.strictObject({ name: name('a link name'), own: address, peer: address })

const pair = z.strictObject({
  keyFile: path,
  heartbeatPort: port.default(5700),
  syncPort: port.default(5701),
  relayPort: port.default(5703),
  heartbeatMs: z.int().min(10).max(1_000).default(100),
  missesMax: z.int().min(3).max(20).default(5),
  tieBreak: z.enum(tieBreaks).default('larger-address'),
})

const service = z.strictObject({
  address,
  interface: networkInterface,
  reach: z.enum(reachModes).default('shared'),
  peerAddress: address.optional(),
  mac: multicastMac.optional(),
  sipPort: port.default(5060),
  realm: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'is not a realm: 1 to 64 of letters, digits, ".", "_", "-"')
    .optional(),
  rtpPorts: z.strictObject({ first: port, last: port }).default({ first: 20_000, last: 29_999 }),
})

const beaconPort = 5702

const beacon = z.strictObject({
  keyFile: path,
  group: multicastGroup.nullable().default('239.255.86.67'),
  port: port.default(beaconPort),
  hops: z.int().min(1).max(32).default(1),
  interface: networkInterface.optional(),
  receivers: z
    .array(z.strictObject({ address, port: port.default(beaconPort) }))
    .max(limits.beaconReceiversMax, `has more than ${limits.beaconReceiversMax} receivers`)
    .default([]),
  standby: z.boolean().default(false),
  tags: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'is not a tag: 1 to 32 of a-z, 0-9 and "-"'),
      z.string().max(64),
    )
    .refine(
      (tags) => Object.keys(tags).length <= limits.beaconTagsMax,
      `has more than ${limits.beaconTagsMax} tags`,
    )
    .default({}),
})

const heapMiB = z.int().min(48).max(16_384)

export const nodeConfigSchema = z.strictObject({
  node: name('a node name'),
  site: name('a site name'),
  links: z.array(link).min(1, 'needs one to three links').max(3, 'has more than three links'),
  pair,
  service,
  beacon: beacon.optional(),
  media: z.strictObject({ backend: z.enum(['auto', 'ffi', 'dgram']).default('auto') }).prefault({}),
  memory: z
    .strictObject({
      switchMiB: heapMiB.default(limits.switchHeapMiB),
      mediaMiB: heapMiB.default(limits.mediaHeapMiB),
      pairMiB: heapMiB.default(limits.pairHeapMiB),
    })
    .prefault({}),
  bus: z
    .strictObject({
      transport: z.enum(['unix', 'tcp']).default('unix'),
      tcpPort: port.max(65_534).default(5710),
    })
    .prefault({}),
  database: path.optional(),
  controlSocket: path.optional(),
  runDirectory: path.default('/run/vccs'),
  stateDirectory: path.default('/var/lib/vccs'),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      file: path.nullable().default(null),
    })
    .prefault({}),
})

export type WrittenNodeConfig = z.infer<typeof nodeConfigSchema>

/** The keys that exist at a place, for the suggestion beside an unknown one. */
export function knownKeys(at: readonly PropertyKey[]): string[] {
  let schema: unknown = nodeConfigSchema
  for (const step of at) {
    schema = inner(schema)
    if (schema instanceof z.ZodArray) schema = schema.element
    else if (schema instanceof z.ZodObject) schema = schema.shape[step as string]
    else return []
  }
  schema = inner(schema)
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}

function inner(schema: unknown): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return inner(schema.unwrap())
  }
  return schema instanceof z.ZodOptional ? inner(schema.unwrap()) : schema
}
