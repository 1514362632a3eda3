"""Certificates of every kind, made by openssl(1) in a directory of the test's."""
import pathlib
import ssl
import subprocess
import time

DAY = 24 * 3600
CONFIG = """
[ca]
default_ca = here
[here]
dir = {dir}
database = {dir}/index
new_certs_dir = {dir}
serial = {dir}/serial
crlnumber = {dir}/crlnumber
certificate = {dir}/ca.pem
private_key = {dir}/ca.key
default_md = sha256
default_crl_days = 30
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = optional
organizationName = optional
[req]
distinguished_name = dn
[dn]
[v3_ca]
basicConstraints = critical,CA:TRUE
keyUsage = keyCertSign,cRLSign
"""


def openssl(*args, **keys):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, check=False, **keys)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def stamp(offset):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + offset))


class Authority:
    """A CA with a directory of its own."""

    def __init__(self, where, name="test CA"):
        self.dir = pathlib.Path(where)
        self.dir.mkdir(parents=True)
        self.conf = self.dir / "openssl.cnf"
        self.conf.write_text(CONFIG.format(dir=self.dir))
        (self.dir / "index").write_text("")
        (self.dir / "serial").write_text("1000\n")
        (self.dir / "crlnumber").write_text("1000\n")
        self.cert, key = self.dir / "ca.pem", self.dir / "ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", key, "-out", self.cert, "-subj", f"/CN={name}", "-days", "60",
                "-config", self.conf, "-extensions", "v3_ca")

    def issue(self, name, san="DNS:localhost,IP:127.0.0.1", begin=-DAY, end=50 * DAY,
              key="ec", subject=None, usage=None):
        """A certificate and its key: paths. `begin` and `end` are seconds from now; `usage`
        is what it is for alone."""
        cert, private, request = (self.dir / f"{name}.{ending}" for ending in ("pem", "key", "csr"))
        kind = (["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else [key])
        extra = ["-addext", f"subjectAltName={san}"] if san else []
        extra += ["-addext", f"extendedKeyUsage={usage}"] if usage else []
        openssl("req", "-new", "-newkey", *kind, "-nodes", "-keyout", private, "-out", request,
                "-subj", subject or f"/CN={name}", "-config", self.conf, *extra)
        openssl("ca", "-batch", "-config", self.conf, "-in", request, "-out", cert, "-notext",
                "-startdate", stamp(begin), "-enddate", stamp(end))
        private.chmod(0o600)
        return cert, private

    def revoke(self, cert):
        openssl("ca", "-config", self.conf, "-revoke", cert)

    def crl(self, name="crl.pem", end=9 * DAY):
        path = self.dir / name
        openssl("ca", "-config", self.conf, "-gencrl", "-out", path,
                "-crl_lastupdate", stamp(-9 * DAY), "-crl_nextupdate", stamp(end))
        return path


def secure(address, ca, cert=None, key=None):
    """`address` with a client's trust in `ca` and, if it has one, its certificate."""
    context = ssl.create_default_context(cafile=str(ca))
    if cert:
        context.load_cert_chain(str(cert), str(key))
    return SecureAddress(address, context)


class SecureAddress:
    """What rawhttp.Conn takes in place of (host, port)."""

    def __init__(self, address, context, name="localhost"):
        self.address, self.context, self.name = address, context, name

    def wrap(self, sock):
        return self.context.wrap_socket(sock, server_hostname=self.name)
