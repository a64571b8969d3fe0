//! Makes a terminal that knows two servers of one that knows one (reach mode `direct`): all that it sends
//! to one of them goes to the other one as well, and what comes from the second looks as if it came
//! from the first. The terminal itself is not touched: its namespace does it.
import type { LabNetwork } from './netns.ts'
import { lanInterface } from './netns.ts'

interface Servers {
  readonly first: string
  readonly second: string
}

/** The copy carries a mark, and gets the address of the other server after it has been routed. */
export function knowsTwoServers(network: LabNetwork, member: string, servers: Servers): void {
  const { first, second } = servers
  const copy = (from: string, to: string, mark: number) =>
    `ip daddr ${from} udp dport != 0 meta mark set ${mark} ` +
    `dup to ${to} device "${lanInterface}" meta mark set 0`
  network.nft(member, [
    'table ip two_servers {',
    '  chain twice {',
    '    type filter hook output priority -150; policy accept;',
    // The copy itself comes by here, too.
    '    meta mark { 1, 2 } accept',
    `    ${copy(first, second, 1)}`,
    `    ${copy(second, first, 2)}`,
    '  }',
    '  chain other {',
    '    type filter hook postrouting priority 300; policy accept;',
    `    meta mark 1 ip daddr set ${second} meta mark set 0`,
    `    meta mark 2 ip daddr set ${first} meta mark set 0`,
    '  }',
    '  chain one {',
    '    type filter hook prerouting priority -300; policy accept;',
    `    ip saddr ${second} ip saddr set ${first}`,
    '  }',
    '}',
  ])
}
