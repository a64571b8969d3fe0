//! The core of the switching with the tables, the addresses and the randomness of this node.
import { createHash } from 'node:crypto'
import type { NodeConfig } from '../oam/node-config.ts'
import type { PairKeys } from '../oam/node-config-load.ts'
import { compareAddresses } from '../pair/address-order.ts'
import { Core } from '../switching/core.ts'
import type { Tables } from '../tables/tables.ts'

interface CoreParts {
  readonly config: NodeConfig
  readonly keys: PairKeys
  readonly tables: Tables
  /** Random bytes, so many. */
  readonly random: (length: number) => Uint8Array
}

/** The two nodes come to different answers. */
function halfOf({ links }: NodeConfig): 'lower' | 'upper' {
  const [first] = links
  return first !== undefined && compareAddresses(first.own, first.peer) > 0 ? 'upper' : 'lower'
}

export function makeCore({ config, keys, tables, random }: CoreParts): Core {
  const { service } = config
  return new Core({
    tables: {
      user: tables.table('user'),
      position: tables.table('position'),
      phoneBook: tables.table('phone-book'),
      wiredConference: tables.table('wired-conference'),
      wiredMedia: tables.table('wired-media'),
      conferenceResource: tables.table('conference-resource'),
      subscription: tables.table('subscription'),
    },
    address: service.address,
    peerAddress: service.peerAddress ?? undefined,
    sipPort: service.sipPort,
    rtpPorts: service.rtpPorts,
    half: halfOf(config),
    realm: service.realm,
    secret: createHash('sha256').update(keys.digest).digest(),
    newToken: () => Buffer.from(random(8)).toString('hex'),
    random32: () => Buffer.from(random(4)).readUInt32BE(),
  })
}
