"""Addresses, connection strings, commands and statements that carry a password.

A URL is hidden whole: user, host and database say whose password it was. Elsewhere only the password is
the finding, and the rest of the line stays readable.
"""

from __future__ import annotations

from engine.redaction.rule import Check, Rule
from engine.redaction.rules.secret_shapes import ALNUM, HEX
from engine.redaction.secret_checks import (
    bare_password,
    pair_credentials,
    plausible_mixed,
    quoted_password,
    random_secret,
    url_credentials,
)

# Also several hosts, as of a replica set. Neither it nor what follows ends in a mark that ends a sentence or closes a
# bracket around the address.
_HOST = r"[A-Za-z0-9.,\-\[\]:_]{0,252}[A-Za-z0-9\]_]"
_REST = r"(?:[/?](?:[^\s\"'<>`|\\,;]{0,200}[A-Za-z0-9/=_%&+-])?)?"
_DATABASES = (
    "postgres", "postgresql", "mysql", "mariadb", "mongodb", "mongodb+srv", "redis", "rediss", "valkey", "amqp",
    "amqps", "mssql", "sqlserver", "oracle", "clickhouse", "cockroachdb", "cassandra", "couchdb", "couchbase", "neo4j",
    "bolt", "influxdb", "elasticsearch", "nats", "kafka", "mqtt", "mqtts", "stomp", "snowflake", "redshift", "db2",
    "firebird", "sqlalchemy", "jdbc", "libsql", "cloudinary", "sentry", "smtp", "smtps", "imap", "imaps", "pop3",
    "ldap", "ldaps", "ftp", "ftps", "sftp", "ssh", "socks5", "socks5h", "rtsp", "vnc", "smb", "webdav", "celery",
)  # fmt: skip


def _rule(
    id: str,
    pattern: str,
    max_len: int,
    keywords: tuple[str, ...],
    examples: tuple[str, ...],
    counterexamples: tuple[str, ...],
    check: Check | None = quoted_password,
    replacement: str = "[PASSWORD]",
) -> Rule:
    return Rule(id, "secrets", pattern, max_len, replacement, examples, counterexamples, keywords, check)


RULES: tuple[Rule, ...] = (
    # The password of a service is often not escaped: everything up to the last "@" in front of a host belongs to it.
    _rule(
        "service_url_password",
        rf"\b(?i:{'|'.join(name.replace('+', '[+]') for name in _DATABASES)})(?:[+][a-z0-9_]{{2,16}})?://"
        rf"[^\s:@/\"'<>]{{0,64}}:[^\s\"'<>]{{1,128}}@{_HOST}{_REST}",
        3500,
        ("://",),
        (
            "postgres://app:s3cret@db.example.com:5432/main",
            "mongodb+srv://app:p%40ss/w0rd@cluster0.example.net/?retryWrites=true",
            "redis://:b3rry45@cache:6379/0",
            "postgresql+asyncpg://svc:aB@3/x9@10.0.0.5/app",
            "smtp://mailer:S3nd-M3@smtp.example.com:587",
        ),
        (
            "postgres://db.example.com:5432/main",
            "redis://localhost:6379/0",
            "postgres://user:password@localhost/db",
            "mysql://app:${DB_PASSWORD}@db/main",
        ),
        url_credentials,
        "[URL_WITH_PASSWORD]",
    ),
    _rule(
        "url_password",
        rf"\b[a-zA-Z][a-zA-Z0-9+.-]{{1,20}}://[^\s/:@\"'<>]{{0,100}}:[^\s/@\"'<>]{{1,200}}@{_HOST}{_REST}",
        3900,
        ("://",),
        ("https://user:pass1@example.com/", "git clone https://ci:" + "b3rry45-x@git.example.com/app.git"),
        (
            "https://example.com:8080/path",
            "mailto:someone",
            "http://[::1]:80/",
            "https://<user>:<password>@example.com",
        ),
        url_credentials,
        "[URL_WITH_PASSWORD]",
    ),
    _rule(
        "url_user_token",
        r"\bhttps?://([A-Za-z0-9_-]{20,255})@[A-Za-z0-9.-]{1,253}",
        517,
        ("://",),
        (f"git clone https://{ALNUM[:40]}@git.example.com/app.git", f"https://{HEX[:40]}@npm.example.com/"),
        ("https://jane.doe@example.com/", "https://medium.com/@somebody/a-long-title-of-an-article-0123456789"),
        random_secret,
        "[TOKEN]",
    ),
    _rule(
        "ado_password",
        r"(?i:\b(?:server|data source|host|addr|address|network address|user id|uid|username|user|initial catalog"
        r"|database|port|endpoint|driver|provider|persist security info|integrated"
        r" security)\s{0,2}=\s{0,2}[ !#-&(-:<>-~]{1,80};"
        r"(?:[ !#-&(-:<-~]{1,60};){0,6}\s{0,2}(?:password|pwd)\s{0,2}=\s{0,2})"
        r"([^;\s\"']{1,128})",
        1890,
        ("password", "pwd"),
        (
            "Server=tcp:db.example.com,1433;Database=app;User ID=app;Password=Sommer!2024;Encrypt=True;",
            "Data Source=db;Initial Catalog=main;uid=sa;pwd=letmein;",
            "Driver={ODBC Driver 18 for SQL Server};Server=db;UID=app;PWD=hunter2abc",
        ),
        ("Server=db;Database=app;Integrated Security=True;", "Server=db;User ID=app;Password={password};"),
    ),
    _rule(
        "query_password",
        r"(?i:[?&;](?:amp;)?(?:password|passwd|passphrase|pwd|pass|passcode)=)([^&\s\"';<>#]{4,128})",
        536,
        ("password=", "passwd=", "passphrase=", "pwd=", "pass=", "passcode="),
        (
            "jdbc:mysql://db.example.com/app?user=svc&password=hunter2",
            "https://example.com/login?u=7&pwd=letmein99#top",
        ),
        ("https://example.com/login?password=<password>", "/reset?password=null&x=1"),
    ),
    _rule(
        "redis_requirepass",
        r"(?i:\b(?:requirepass|masterauth)[ \t]{1,4}[\"']?)([^\s\"']{4,128})",
        544,
        ("requirepass", "masterauth"),
        ("requirepass S3cr3t-x9", 'masterauth "b3rry45"'),
        ("requirepass <password>", "# requirepass is off"),
        bare_password,
    ),
    _rule(
        "jdbc_oracle_password",
        r"(?i:\bjdbc:oracle:(?:thin|oci):)([\w$#]{1,40}/[^\s@\"'<>]{2,128})@",
        571,
        ("jdbc:oracle:",),
        ("jdbc:oracle:thin:scott/t1ger-x@//db.example.com:1521/orcl", "jdbc:oracle:oci:app/Gr8pass@orcl"),
        ("jdbc:oracle:thin:@//db.example.com:1521/orcl",),
        None,
        "[CREDENTIALS]",
    ),
    _rule(
        "sqlplus_password",
        r"(?i:\bsqlplus(?: -[a-z]{1,3}){0,3} )([\w$#]{1,40}/[^\s@\"'<>/]{2,128})(?:@|\b)",
        599,
        ("sqlplus ",),
        ("sqlplus scott/t1ger-x@orcl", "$ sqlplus -s app/Gr8pass@//db:1521/x"),
        ("sqlplus is a client", "sqlplus / as sysdba"),
        None,
        "[CREDENTIALS]",
    ),
    _rule(
        "netrc_password",
        r"(?i:\b(?:machine\s{1,8}\S{1,253}|default)\s{1,8}login\s{1,8}\S{1,100}\s{1,8}password\s{1,8})(\S{4,128})",
        1988,
        ("machine", "default"),
        (
            "machine git.example.com login ci password hunter2x",
            "machine ftp.example.com\n  login jane\n  password s3same-0pen",
        ),
        ("machine git.example.com login <user> password <password>",),
    ),
    _rule(
        "pgpass_password",
        r"[\w.*-]{1,100}:(?:5432|6432|5433|\*):[\w*-]{1,63}:[\w*-]{1,63}:([^\s:]{4,128})",
        746,
        (":5432:", ":6432:", ":5433:", ":*:"),
        ("db.example.com:5432:main:app:hunter2x", "*:*:*:replicator:s3same0pen"),
        ("db.example.com:5432:5432", "db:5432:main:app:${PGPASSWORD}"),
    ),
    _rule(
        "curl_user",
        r"(?i:\b(?:curl|wget) [ -:<-{}~]{0,160}?(?:-u|--user|--proxy-user)"
        r"[ =]{1,2}[\"']?)"
        r"([A-Za-z0-9._@%+$-]{1,64}:[^\s\"':]{4,128})",
        1087,
        ("curl ", "wget "),
        ("curl -u admin:hunter2x https://api.example.com/", "curl -sS --user 'svc:Tr0ub4dor&3' https://example.com"),
        (
            "curl -u admin:$PASSWORD https://example.com",
            "curl -u user:<password> https://example.com",
            "curl -A agent https://example.com",
        ),
        pair_credentials,
        "[CREDENTIALS]",
    ),
    _rule(
        "command_password",
        # mysql takes a password that is joined to -p; behind a space stands the name of a database.
        r"(?i:\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\b[^\n|;]{0,120}? -p|\bsshpass -p ?"
        r"|\b(?:docker|podman|helm registry|az|mongosh|mongo|mongodump)\b[^\n|;]{0,120}? -p "
        r"|\bredis-cli\b[^\n|;]{0,120}? -a "
        r"|\bldap(?:search|modify|add|passwd)\b[^\n|;]{0,120}? -w |\b(?:sqlcmd|bcp)\b[^\n|;]{0,120}? -P )[\"']?"
        r"([^\s\"'<>-][^\s\"'<>]{3,127})",
        1012,
        (
            "mysql",
            "mariadb",
            "sshpass",
            "docker",
            "podman",
            "helm registry",
            "az ",
            "mongo",
            "redis-cli",
            "ldap",
            "sqlcmd",
            "bcp",
        ),
        (
            "mysql -u root -phunter2x main",
            "sshpass -p 'b3rry45x' ssh host",
            "docker login -u ci -p dR0ne99x registry.example.com",
            "redis-cli -h cache -p 6379 -a s3same0pen ping",
        ),
        (
            "mysql -u root -p main",
            "docker login -u ci -p $TOKEN",
            "docker run -p 8080:80 nginx",
            "docker run -p 6379:6379 redis",
            "mysql -u root -p",
        ),
        bare_password,
    ),
    _rule(
        "password_flag",
        r"(?i:[\s\"'\[,]--?(?:[a-z]{1,16}[-_.]){0,2}(?:password|passwd|passphrase|passwort|pwd|pass|pw)"
        r"(?:[ =]{1,2}|[\"'],\s{0,2}[\"'])[\"']?)([^\s\"'<>=,\])-][^\s\"'<>,\])]{3,127})",
        647,
        ("password", "passwd", "passphrase", "passwort", "-pwd", "-pass", "-pw", "_pass", "_pw", ".pass", ".pw"),
        (
            "psql-cli --host db --password hunter2x",
            "app --db-password='Tr0ub4dor&3' --verbose",
            '["app", "--password", "s3same0pen"]',
        ),
        (
            "app --password $PASSWORD",
            "app --password <password>",
            "use --password-file to read it",
            "the --password option is deprecated",
        ),
        bare_password,
    ),
    _rule(
        "openssl_pass",
        r"(?i:\bpass(?:in|out)?[ =]pass:)([^\s\"']{4,128})",
        535,
        ("pass:",),
        ("openssl rsa -passin pass:hunter2x -in key.pem", "openssl pkcs12 -export -passout pass:s3same0pen"),
        ("openssl rsa -passin env:KEYPASS",),
    ),
    _rule(
        "sql_password",
        r"(?i:\b(?:identified(?: with \w{1,40})? by(?: password)?|(?:encrypted |with )?password|set password(?: for"
        r" \S{1,80})? ?=)\s{1,3}(?:to |= ?)?(?:password\()?)'([^'\n]{4,128})'",
        878,
        ("identified", "password"),
        (
            "CREATE USER 'app'@'%' IDENTIFIED BY 'hunter2x';",
            "ALTER ROLE app WITH PASSWORD 'letmein99';",
            "IDENTIFIED WITH caching_sha2_password BY 'Sommer!24'",
        ),
        ("ALTER ROLE app WITH PASSWORD '<password>';", "the column 'password' is required"),
    ),
    _rule(
        "wifi_password",
        r"(?:(?i:\bWIFI:)(?:[STHR]:[^;\s]{0,40};){0,4}P:|(?i:\b(?:wpa_passphrase|wpa_psk|psk|wifi[ _-]?(?:password"
        r"|pass|key|psk))\s{0,2}[=:]\s{0,2}[\"']?))([^;\s\"']{8,63})",
        911,
        ("wifi", "wpa_passphrase", "wpa_psk", "psk"),
        (
            "WIFI:T:WPA;S:home;P:correcthorse9;;",
            'network={ssid="home" psk="correcthorse9"}',
            "wifi_password = hunter2hunter2",
        ),
        ("psk=<your key>", "WIFI:S:guest;;"),
    ),
    _rule(
        "snmp_community",
        r"(?i:\bsnmp-server community |\benable secret (?:[0-9] )?|\bkey-string (?:7 )?|\busername \S{1,40} "
        r"(?:privilege \d{1,2} )?(?:secret|password) (?:[0-9] )?)([^\s\"']{5,100})",
        602,
        ("snmp-server community", "enable secret", "key-string", "username"),
        (
            "snmp-server community n0tpubl1c RO",
            "enable secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0",
            "username admin privilege 15 secret 0 C1sc0-net",
        ),
        ("snmp-server community <string>", "the username and password are required"),
    ),
    _rule(
        "wordpress_salt",
        r"(?i:define\(\s{0,2}[\"'](?:auth|secure_auth|logged_in|nonce)_(?:key|salt)[\"'],\s{0,3}[\"'])"
        r"([^'\"\n]{40,80})",
        362,
        ("_key", "_salt"),
        (
            "define('AUTH_KEY', '" + "v]8}q+Z4|m*W1x^K6n(B0s)L5t~R9y!P3d_H7f$J2g&C#" + "');",
            "define( 'NONCE_SALT', '" + ALNUM[:64] + "' );",
        ),
        ("define('AUTH_KEY', 'put your unique phrase here, it has to be long enough');",),
        plausible_mixed,
        "[SALT]",
    ),
)
