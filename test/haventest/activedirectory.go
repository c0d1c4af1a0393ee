//go:build acceptance

package haventest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Names in an Active Directory of tests.
const (
	ADBase          = "DC=ad,DC=example,DC=org"
	ADAdmin         = "Administrator@ad.example.org"
	ADAdminPassword = "Passw0rd!x"
	adAddress       = "127.0.0.77" // its ports can't be chosen, so it has an address of its own
)

// ActiveDirectory is a real domain controller (Samba), whose LDAP answers on ldap:// with StartTLS, and on
// ldaps://. As Microsoft's does by default, it takes no password without TLS.
type ActiveDirectory struct {
	URL, SecureURL string
	Authority      *Authority // that signed its certificate

	t    testing.TB
	conf string
	tool string
}

const smbConf = `[global]
	realm = AD.EXAMPLE.ORG
	workgroup = EXAMPLE
	netbios name = DC1
	server role = active directory domain controller
	server services = ldap
	dcerpc endpoint servers =
	interfaces = ADDRESS/8
	bind interfaces only = yes
	tls certfile = DIR/cert.pem
	tls keyfile = DIR/key.pem
	tls cafile =
	private dir = DIR/dc/private
	state directory = DIR/dc/state
	cache directory = DIR/dc/cache
	lock directory = DIR/dc
	binddns dir = DIR/dc/bind-dns
	ncalrpc dir = DIR/run/ncalrpc
	pid directory = DIR/run
	winbindd socket directory = DIR/run/winbindd
	ntp signd socket directory = DIR/run/ntp
	log file = DIR/log.%m
	logging = file
`

// StartActiveDirectory makes a domain and starts its controller, which takes half a minute. It needs root and
// the ports 389 and 636 of 127.0.0.77; one at a time. It ends with the test.
func StartActiveDirectory(t testing.TB) *ActiveDirectory {
	t.Helper()
	dir, err := os.MkdirTemp("", "ad") // a short path: there are sockets in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	samba := Tool(t, "samba")
	ad := &ActiveDirectory{
		URL: "ldap://" + adAddress, SecureURL: "ldaps://" + adAddress, Authority: NewAuthority(t), t: t,
		conf: filepath.Join(dir, "smb.conf"), tool: filepath.Join(filepath.Dir(filepath.Dir(samba)), "bin", "samba-tool"),
	}
	ad.run("domain", "provision", "--realm=AD.EXAMPLE.ORG", "--domain=EXAMPLE", "--server-role=dc", "--dns-backend=NONE",
		"--adminpass="+ADAdminPassword, "--targetdir="+filepath.Join(dir, "dc"), "--host-name=dc1", "--host-ip="+adAddress,
		"--option=interfaces="+adAddress+"/8", "--option=bind interfaces only=yes")
	cert, key := ad.Authority.Sign(t, adAddress)
	conf := strings.NewReplacer("DIR", dir, "ADDRESS", adAddress).Replace(smbConf)
	for name, content := range map[string]string{"cert.pem": cert, "key.pem": key, "smb.conf": conf} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(samba, "-s", ad.conf, "-i")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it is several processes
	ended := startServer(t, cmd, adAddress+":389")
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	})
	return ad
}

// run runs samba-tool.
func (ad *ActiveDirectory) run(args ...string) {
	ad.t.Helper()
	if out, err := exec.Command(ad.tool, args...).CombinedOutput(); err != nil {
		ad.t.Fatalf("samba-tool %s %s: %v\n%s", args[0], args[1], err, out)
	}
}

// Tool runs samba-tool on the directory, such as "user", "disable", "bob".
func (ad *ActiveDirectory) Tool(args ...string) {
	ad.t.Helper()
	ad.run(append(args, "-s", ad.conf)...)
}

// Person adds somebody.
func (ad *ActiveDirectory) Person(name, password string) {
	ad.t.Helper()
	ad.Tool("user", "create", name, password, "--mail-address="+name+"@example.org")
}

// Group adds a group with members.
func (ad *ActiveDirectory) Group(name string, members ...string) {
	ad.t.Helper()
	ad.Tool("group", "add", name)
	ad.Tool("group", "addmembers", name, strings.Join(members, ","))
}

// GroupDN is the DN of a group that Group made.
func (ad *ActiveDirectory) GroupDN(name string) string {
	return fmt.Sprintf("CN=%s,CN=Users,%s", name, ADBase)
}

// Settings are the ldap_* settings for this directory: people by sAMAccountName, StartTLS, members of the
// group admins are administrators.
func (ad *ActiveDirectory) Settings() map[string]any {
	return map[string]any{
		"ldap_url": ad.URL, "ldap_start_tls": true, "ldap_ca_certificate": ad.Authority.PEM,
		"ldap_search_dn": ADAdmin, "ldap_search_password": ADAdminPassword,
		"ldap_base_dn": ADBase, "ldap_uid": "sAMAccountName", "ldap_filter": "(&(objectClass=user)(!(objectClass=computer)))",
		"ldap_group_base_dn": ADBase, "ldap_group_search_filter": "objectClass=group",
		"ldap_group_attribute_name": "cn", "ldap_group_membership_attribute": "memberOf",
		"ldap_group_admin_dn": ad.GroupDN("admins"),
	}
}
