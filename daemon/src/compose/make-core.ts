//! The core of the switching with the tables, the addresses and the randomness of this node.
import { createHash, randomBytes } from 'node:crypto'
import type { NodeConfig } from '../oam/node-config.ts'
import type { PairKeys } from '../oam/node-config-load.ts'
import { Core } from '../switching/core.ts'
import type { Tables } from '../tables/tables.ts'

export function makeCore(config: NodeConfig, keys: PairKeys, tables: Tables): Core {
  const { service } = config
  return new Core({
    tables: {
      user: tables.table('user'),
      phoneBook: tables.table('phone-book'),
      wiredConference: tables.table('wired-conference'),
      wiredMedia: tables.table('wired-media'),
      conferenceResource: tables.table('conference-resource'),
    },
    address: service.address,
    sipPort: service.sipPort,
    rtpPorts: service.rtpPorts,
    realm: service.realm,
    secret: createHash('sha256').update(keys.digest).digest(),
    newToken: () => randomBytes(8).toString('hex'),
    random32: () => randomBytes(4).readUInt32BE(),
  })
}
