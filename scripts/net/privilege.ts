//! A lab needs the right to make network namespaces: root has it; an ordinary user gets it inside a
//! user namespace of his own, in which this same program is started again.
import { spawn, spawnSync } from 'node:child_process'

const insideMarker = 'VCCS_LAB_INSIDE_USER_NAMESPACE'

/** `/run` is private inside, so that `ip netns` can keep its names there without touching the host. */
const prepareAndRun = 'mount -t tmpfs tmpfs /run && mkdir /run/netns && exec "$@"'

function isAllowed(): boolean {
  return process.getuid?.() === 0 && spawnSync('unshare', ['-n', 'true']).status === 0
}

function userNamespacesWork(): boolean {
  return spawnSync('unshare', ['-Urnm', 'sh', '-c', 'mount -t tmpfs tmpfs /run']).status === 0
}

/** Root only by name: inside the user namespace of an ordinary user. */
export function isInUserNamespace(): boolean {
  return process.env[insideMarker] !== undefined
}

/**
 * Returns when namespaces can be made here. Otherwise the program runs again inside a user
 * namespace and its exit code becomes ours, or the process ends with code 2 and says what is missing.
 */
export async function ensureNamespaces(): Promise<void> {
  if (isAllowed()) return
  if (process.env[insideMarker] === undefined && userNamespacesWork()) {
    process.exit(await runAgainInside())
  }
  console.error('This needs network namespaces, and this user may not make them.')
  console.error('  - Run it as root:  sudo make demo')
  console.error('  - or allow user namespaces:  sudo sysctl -w kernel.unprivileged_userns_clone=1')
  console.error('    (with AppArmor also kernel.apparmor_restrict_unprivileged_userns=0)')
  console.error('  - in a container, start it with --privileged, or with --cap-add SYS_ADMIN')
  console.error('    and --cap-add NET_ADMIN.')
  process.exit(2)
}

function runAgainInside(): Promise<number> {
  const ourselves = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const child = spawn('unshare', ['-Urnm', 'sh', '-c', prepareAndRun, 'sh', ...ourselves], {
    stdio: 'inherit',
    env: { ...process.env, [insideMarker]: '1' },
  })
  // Ctrl-C reaches the whole group: the inner program cleans up, and we wait for it.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return new Promise((resolve) => {
    child.on('error', () => resolve(2))
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
