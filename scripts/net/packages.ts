//! The Debian packages a lab needs. Root gets them installed; everybody else gets the exact command.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { isInUserNamespace } from './privilege.ts'

/** What is asked for, by the program that proves that it is there. */
const packageOf = {
  ip: 'iproute2',
  nft: 'nftables',
  setpriv: 'util-linux',
  tcpdump: 'tcpdump',
  dumpcap: 'wireshark-common',
  baresip: 'baresip-core',
  sipp: 'sip-tester',
  tshark: 'tshark',
  kamailio: 'kamailio',
  linphonec: 'linphone-cli',
} as const

type LabProgram = keyof typeof packageOf

/** tcpdump is the lighter one, but it works for root only. */
const isRoot = process.getuid?.() === 0 && !isInUserNamespace()
const captureProgram: LabProgram = isRoot ? 'tcpdump' : 'dumpcap'

/** `make demo` needs no sipp and no tshark. */
export const demoPrograms: readonly LabProgram[] = [
  'ip',
  'nft',
  'setpriv',
  'baresip',
  captureProgram,
]
export const testPrograms: readonly LabProgram[] = [...demoPrograms, 'sipp', 'tshark', 'kamailio']

const systemFolders = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
]

/**
 * The programs of the system come first: `npm run` puts `node_modules/.bin` before them, and there
 * is another `nft` in it. Ordinary users often have no `sbin` at all, although it works for them.
 */
export function preferSystemPrograms(): void {
  const others = (process.env.PATH ?? '')
    .split(':')
    .filter((folder) => !systemFolders.includes(folder))
  process.env.PATH = [...systemFolders, ...others].join(':')
}

function isInstalled(program: string): boolean {
  const folders = (process.env.PATH ?? '').split(':')
  return folders.some((folder) => existsSync(`${folder}/${program}`))
}

/** One more telephone, of which not every system has a package. */
type RareProgram = 'linphonec'

/** Why tests with such a program cannot run here; null: they can. */
export function obstacleTo(program: RareProgram): string | null {
  return isInstalled(program) ? null : `this system has no package ${packageOf[program]}`
}

/** As `ensurePackages` where there is a package of it: without the program its tests would be passed over. */
export function ensureRare(program: RareProgram): void {
  if (isInstalled(program)) return
  const { status } = spawnSync('apt-cache', ['show', packageOf[program]], { stdio: 'ignore' })
  if (status === 0) ensurePackages([program])
}

/** Installs what is missing (root) or ends the process with code 2 and says what to do. */
export function ensurePackages(programs: readonly LabProgram[]): void {
  preferSystemPrograms()
  const missing = programs.filter((program) => !isInstalled(program))
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((program) => packageOf[program]))]
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if (!isRoot || !isInstalled('apt-get')) {
    console.error(`Missing: ${missing.join(', ')}. Install them as root, then try again:`)
    console.error(`  sudo ${command}`)
    process.exit(2)
  }
  installAll(packages, command)
  const stillMissing = missing.filter((program) => !isInstalled(program))
  if (stillMissing.length === 0) return
  console.error(`Installed, but still not found: ${stillMissing.join(', ')}.`)
  process.exit(2)
}

function installAll(packages: readonly string[], command: string): void {
  console.log(`Installing ${packages.join(', ')} ...`)
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const options = { env: environment, stdio: ['ignore', 'ignore', 'inherit'] as const }
  const first = spawnSync('sh', ['-c', command], {
    ...options,
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  if (first.status === 0) return
  console.log('Refreshing the package lists ...')
  const second = spawnSync('sh', ['-c', `apt-get update -q && ${command}`], {
    ...options,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (second.status === 0) return
  console.error(`This failed; run it by hand and look at its messages:\n  ${command}`)
  process.exit(2)
}
