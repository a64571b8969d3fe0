//! The node-local configuration file: what differs between the two nodes and is never replicated.
import type { TieBreak } from '../bus/messages.ts'

interface LinkConfig {
  readonly name: string
  readonly own: string
  readonly peer: string
}

/** How terminals reach the pair (ADR 0011, ADR 0016). */
export const reachModes = ['shared', 'floating', 'direct'] as const
export type ReachMode = (typeof reachModes)[number]
/** The state beacon (S2.13). */
export interface BeaconConfig {
  /** File with at least 32 bytes of secret, mode 0600; receivers hold it too. */
  readonly keyFile: string
  /** Multicast group; null: unicast receivers only. */
  readonly group: string | null
  readonly port: number
  /** Routers that a beacon to the group may pass. */
  readonly hops: number
  /** Where the group is reached; the address of the node there is the sender. */
  readonly interface: string
  readonly receivers: readonly { readonly address: string; readonly port: number }[]
  /** True: a standby says what it is, too. */
  readonly standby: boolean
  /** Elements of the site's own (S2.41). */
  readonly tags: Readonly<Record<string, string>>
}

export interface NodeConfig {
  /** `vccs-a`. */
  readonly node: string
  readonly site: string
  readonly links: readonly LinkConfig[]
  readonly pair: {
    /** File with at least 32 bytes of secret, mode 0600; relative paths are seen from the config. */
    readonly keyFile: string
    readonly heartbeatPort: number
    readonly syncPort: number
    /** Relayed RTP of reach mode `floating`. */
    readonly relayPort: number
    readonly heartbeatMs: number
    readonly missesMax: number
    /** S1.73: who serves when nothing else tells the two nodes apart; equal on both. */
    readonly tieBreak: TieBreak
  }
  readonly service: {
    readonly address: string
    readonly interface: string
    readonly reach: ReachMode
    /** `direct`: the service address of the peer; null in the other modes, where it is the same. */
    readonly peerAddress: string | null
    /** `shared`: multicast MAC of the address, by default 03:bf and the four bytes of the address.
     * Null in the other modes: the MAC of the interface. */
    readonly mac: string | null
    readonly sipPort: number
    /** SIP realm of the digest (RFC 3261 22.1). */
    readonly realm: string
    readonly rtpPorts: { readonly first: number; readonly last: number }
  }
  /** Null: this node sends none. */
  readonly beacon: BeaconConfig | null
  readonly media: { readonly backend: 'auto' | 'ffi' | 'dgram' }
  /** Bounds of the JavaScript heaps of the units, in MiB. */
  readonly memory: {
    readonly switchMiB: number
    readonly mediaMiB: number
    readonly pairMiB: number
  }
  readonly bus: { readonly transport: 'unix' | 'tcp'; readonly tcpPort: number }
  readonly database: string
  readonly controlSocket: string
  /** Sockets of the bus, journal, pid files; on a memory file system. */
  readonly runDirectory: string
  /** State that survives restarts: the term. */
  readonly stateDirectory: string
  /** File null: standard output, which the journal collects. */
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error'
    readonly file: string | null
  }
}

/** Where the sockets of the bus are. */
type BusEndpoint =
  | { readonly transport: 'unix'; readonly path: string }
  | { readonly transport: 'tcp'; readonly host: string; readonly port: number }

/** The socket that `unit` serves. TCP stays on the loopback: the bus is not authenticated. */
export function busAddress(config: NodeConfig, unit: 'pair' | 'switch'): BusEndpoint {
  return config.bus.transport === 'unix'
    ? { transport: 'unix', path: `${config.runDirectory}/${unit}.sock` }
    : {
        transport: 'tcp',
        host: '127.0.0.1',
        port: config.bus.tcpPort + (unit === 'pair' ? 0 : 1),
      }
}
