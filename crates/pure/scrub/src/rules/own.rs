//! Our own table: key formats, tokens, private keys, connection strings, passwords in URLs, assignments, words of people.
//!
//! Written from the published formats of each issuer; the last part from how people write passwords down.

use super::Rule;
use crate::accept::Accept::{Any, Literal, Random, Value};

macro_rules! rules {
    ($($id:literal, $accept:ident, [$($keyword:literal),+], $regex:literal;)*) => {
        /// All of them.
        pub(super) const RULES: &[Rule] = &[
            $(Rule { id: $id, regex: $regex, keywords: &[$($keyword),+], accept: $accept }),*
        ];
    };
}

rules! {
    // Private keys and the like.
    "private-key", Any, ["PRIVATE KEY"], r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\z)";
    "private-key-base64", Any, ["LS0tLS1CRUdJTi", "tLS0tQkVHSU4g", "0tLS1CRUdJTi"], r"(?:LS0tLS1CRUdJTi|tLS0tQkVHSU4g|0tLS1CRUdJTi)[A-Za-z0-9+/=]{20,}";
    "age-secret-key", Any, ["AGE-SECRET-KEY-1"], r"AGE-SECRET-KEY-1[0-9A-Z]{58}";
    "wireguard-key", Any, ["PrivateKey", "PresharedKey"], r"(?i)\b(?:PrivateKey|PresharedKey)\s*=\s*([A-Za-z0-9+/]{43}=)";
    "putty-key", Any, ["PuTTY-User-Key"], r"PuTTY-User-Key-File-[0-9]:(?s:.*?)(?:Private-MAC: [0-9a-f]+|\z)";

    // Clouds.
    "aws-access-key-id", Any, ["AKIA", "ASIA", "AROA", "AIDA", "AGPA", "ANPA", "ANVA", "AIPA", "ABIA", "ACCA", "A3T"], r"\b(?:A3T[A-Z0-9]|AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ANVA|AIPA|ABIA|ACCA)[A-Z0-9]{16}\b";
    "aws-secret-access-key", Any, ["aws", "secret"], r#"(?i)\b(?:aws[_.-]?)?(?:secret[_.-]?access[_.-]?key|aws[_.-]?secret(?:[_.-]?key)?|secret[ _.-]?key)["']?\s{0,10}(?:=>|[:=,])\s{0,10}["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|\z)"#;
    "aws-session-token", Any, ["session"], r#"(?i)\baws[_.-]?session[_.-]?token["']?\s{0,10}(?:=>|[:=])\s{0,10}["']?([A-Za-z0-9/+=]{64,1024})"#;
    "aws-bedrock-key", Any, ["ABSK"], r"\bABSK[A-Za-z0-9+/]{109,269}={0,2}";
    "aws-mws-token", Any, ["amzn.mws."], r"\bamzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    "aws-appsync-key", Any, ["da2-"], r"\bda2-[a-z0-9]{26}\b";
    "azure-storage-key", Any, ["AccountKey", "SharedAccessKey"], r"(?i)\b(?:Account|SharedAccess)Key\s{0,3}=\s{0,3}([A-Za-z0-9+/]{20,100}={0,2})";
    "azure-app-config", Any, [".azconfig.io"], r"(?i)\.azconfig\.io;Id=[^;]{3,64};Secret=([A-Za-z0-9+/]{20,80}={0,2})";
    "azure-devops-token", Any, ["AZDO"], r"\b([A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4})\b";
    "azure-client-secret", Any, ["Q~"], r"(?:[^A-Za-z0-9_~.-]|^)([a-zA-Z0-9_~.]{3}[0-9]Q~[a-zA-Z0-9_~.-]{31,34})(?:[^A-Za-z0-9_~.-]|$)";
    "azure-sas", Any, ["sig="], r"[?&]sig=([A-Za-z0-9%+/]{40,80}(?:%3D|=)?)";
    "google-api-key", Any, ["AIza"], r"\bAIza[0-9A-Za-z_-]{35}";
    "google-oauth-secret", Any, ["GOCSPX-"], r"\bGOCSPX-[A-Za-z0-9_-]{28}";
    "google-access-token", Any, ["ya29."], r"\bya29\.[0-9A-Za-z_-]{20,1024}";
    "google-refresh-token", Any, ["1//0"], r"\b1//0[0-9A-Za-z_-]{40,110}";
    "google-client-secret", Any, ["client_secret", "clientsecret"], r#"(?i)client_?secret["']?\s{0,10}[:=]\s{0,10}["']([A-Za-z0-9_-]{24})["']"#;
    "gcs-hmac-key", Any, ["GOOG"], r"\bGOOG[A-Z0-9]{20,60}\b";
    "alibaba-access-key", Any, ["LTAI"], r"\bLTAI[A-Za-z0-9]{16,24}\b";
    "digitalocean-token", Any, ["doo_v1_", "dop_v1_", "dor_v1_"], r"\bdo[opr]_v1_[0-9a-f]{64}\b";
    "heroku-key", Any, ["heroku"], r"(?i)heroku.{0,40}?[=:>\s\x22']([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})";
    "cloudflare-key", Any, ["cloudflare"], r"(?i)cloudflare[a-z0-9_.-]{0,20}(?:key|token)[\x22']?\s{0,5}[:=]\s{0,5}[\x22']?([A-Za-z0-9_-]{37,40})\b";

    // Code hosts, registries, CI.
    "github-token", Any, ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"\bgh[pousr]_[A-Za-z0-9]{36,255}";
    "github-fine-grained", Any, ["github_pat_"], r"\bgithub_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}";
    "github-legacy", Any, ["github"], r#"(?i)\bgithub.{0,30}?(?:token|key|secret|oauth)["']?\s{0,5}(?:=>|[:=,])\s{0,5}["']?([0-9a-f]{40})\b"#;
    "gitlab-token", Any, ["glpat-", "glptt-", "GR1348941", "gldt-", "glrt-", "glcbt-", "glsoat-", "glimt-", "glft-", "glagent-", "gloas-"], r"(?:\b(?:glpat|glptt|gldt|glrt|glcbt|glsoat|glimt|glft|glagent|gloas)-|GR1348941)[0-9A-Za-z_=-]{20,300}";
    "bitbucket-token", Any, ["ATBB"], r"\bATBB[A-Za-z0-9]{32}\b";
    "atlassian-token", Any, ["ATATT3", "ATCTT3"], r"\bAT[AC]TT3xFf[A-Za-z0-9_=-]{50,300}";
    "npm-token", Any, ["npm_"], r"\bnpm_[A-Za-z0-9]{36}\b";
    "npmrc-token", Literal, ["_authToken", "_password"], r"(?i)_(?:authToken|password|auth)\s{0,3}=\s{0,3}[\x22']?([A-Za-z0-9+/=_-]{16,512})";
    "pypi-token", Any, ["pypi-AgE"], r"\bpypi-AgE[A-Za-z0-9_-]{50,1000}";
    "crates-token", Any, ["cio"], r"\bcio[a-zA-Z0-9]{32}\b";
    "rubygems-token", Any, ["rubygems_"], r"rubygems_[0-9a-f]{48}";
    "nuget-key", Any, ["oy2"], r"\boy2[a-z0-9]{43}\b";
    "dockerhub-token", Any, ["dckr_"], r"\bdckr_[po]at_[A-Za-z0-9_-]{27,32}";
    "artifactory-token", Any, ["AKC"], r"\bAKC(?:p[0-9A-Za-z]{60,80}|[0-9A-Za-z]{70,80})\b";
    "codeclimate-key", Any, ["CC_TEST_REPORTER_ID", "CODECLIMATE_REPO_TOKEN"], r#"(?:CC_TEST_REPORTER_ID|CODECLIMATE_REPO_TOKEN)["']?\s{0,5}[:=]\s{0,5}["']?([0-9a-f]{64})"#;
    "jenkins-token", Any, ["jenkins", "crumb"], r#"(?i)(?:jenkins|crumb).{0,30}?[\s:=\x22'](1?[0-9a-f]{32,66})\b"#;
    "sonar-token", Any, ["sonar", "sqp_", "squ_", "sqa_"], r#"(?i)(?:\b(?:sqp|squ|sqa)_[0-9a-f]{40}|sonar.{0,5}login[\x22',=:\s]{1,8}([0-9a-f]{40}))\b"#;
    "terraform-token", Any, [".atlasv1."], r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}";
    "vault-token", Any, ["hvs.", "hvb.", "hvr.", "vault"], r"\bhv[sbr]\.[A-Za-z0-9_-]{24,300}|(?i:vault.{0,20})\b(s\.[A-Za-z0-9_-]{24,300})\b";
    "vault-unseal-key", Any, ["unseal"], r"(?i)(?:unseal key(?: [0-9]+)?:?|operator unseal)\s{0,5}([A-Za-z0-9+/]{40,64}={0,2})";
    "doppler-token", Any, ["dp."], r"\bdp\.(?:ct|pt|st|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}\b";
    "teamcity-token", Any, ["eyJ0eXAiOiAiVENWMiJ9"], r"\beyJ0eXAiOiAiVENWMiJ9\.[A-Za-z0-9_-]{10,80}\.[A-Za-z0-9_-]{20,80}";
    "sourcegraph-token", Any, ["sgp_"], r"\bsgp_(?:[0-9a-f]{16}_|local_)?[0-9a-fA-F]{40,64}\b";

    // Messages, mail, people.
    "slack-token", Any, ["xoxb", "xoxp", "xoxa", "xoxr", "xoxs", "xoxe", "xoxo", "xoxc", "xoxd", "xapp"], r"\b(?:xox[abcdeoprs]|xapp)(?:\.xox[bp])?-[A-Za-z0-9/%.-]{10,250}";
    "slack-webhook", Any, ["hooks.slack.com"], r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{20,120})";
    "teams-webhook", Any, ["webhook.office.com", "outlook.office.com"], r"(?:[a-z0-9-]+\.webhook|outlook)\.office\.com/webhook(?:b2)?/([0-9a-fA-F-]{36}@[0-9a-fA-F-]{36}/IncomingWebhook/[0-9a-f]{20,40}/[0-9a-fA-F-]{36})";
    "discord-webhook", Any, ["discord"], r"discord(?:app)?\.com/api/webhooks/[0-9]{15,22}/([A-Za-z0-9_-]{60,80})";
    "telegram-bot", Any, [":AA"], r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{32,33}";
    "sendgrid-key", Any, ["SG."], r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}";
    "mailgun-key", Any, ["key-"], r"\bkey-[0-9a-zA-Z]{32}\b";
    "mailchimp-key", Any, ["-us"], r"\b[0-9a-f]{32}-us[0-9]{1,2}\b";
    "postmark-token", Any, ["postmark"], r"(?i)postmark.{0,20}[\x22'=:\s]([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})";
    "twilio-key", Any, ["SK", "twilio"], r"\bSK[0-9a-f]{32}\b|(?i:twilio.{0,30}?(?:token|secret)[\x22']?\s{0,5}[:=,]\s{0,5}[\x22']?)([0-9a-f]{32})\b";
    "twitch-stream-key", Any, ["live_"], r"\blive_[0-9]{6,12}_[A-Za-z0-9]{30}\b";
    "facebook-token", Any, ["EAAC", "EAAB"], r"\bEAA[A-Z][A-Za-z0-9]{30,400}";
    "facebook-secret", Any, ["facebook", "fb"], r"(?i)(?:facebook|fb).{0,20}?(?:api|app|application|client|consumer|customer|secret|key).{0,15}?[\x22'=:\s]([0-9a-f]{32})\b";
    "linkedin-secret", Any, ["linkedin"], r"(?i)linkedin.{0,20}?(?:api|app|client|secret|key).{0,15}?[\x22'=:\s]([A-Za-z0-9]{14,16})\b";
    "twitter-secret", Any, ["twitter"], r"(?i)twitter.{0,20}?(?:api|app|client|consumer|secret|key|token).{0,20}?[\x22'=:\s]([A-Za-z0-9]{35,50})\b";
    "dropbox-token", Any, ["sl."], r"\bsl\.[A-Za-z0-9_-]{100,150}";

    // Models, monitoring, shops, the rest.
    "openai-key", Any, ["sk-"], r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,180}";
    "anthropic-key", Any, ["sk-ant-"], r"\bsk-ant-[a-z0-9]{3,8}-[A-Za-z0-9_-]{80,120}";
    "groq-key", Any, ["gsk_"], r"\bgsk_[A-Za-z0-9]{52}\b";
    "huggingface-token", Any, ["hf_", "api_org_"], r"\b(?:hf_|api_org_)[A-Za-z]{34}\b";
    "tavily-key", Any, ["tvly-"], r"\btvly-[A-Za-z0-9-]{32,48}";
    "firecrawl-key", Any, ["fc-"], r"\bfc-[0-9a-f]{32}\b";
    "jina-key", Any, ["jina_"], r"\bjina_[A-Za-z0-9]{20,70}";
    "databricks-token", Any, ["dapi"], r"\bdapi[0-9a-f]{32}(?:-[0-9])?\b";
    "newrelic-key", Any, ["NRAK-", "NRAA-", "NRII-", "NRIQ-", "NRRA-", "NRSP", "NRAL", "NRJS-", "px-api-", "px-dep-"], r"\b(?:NRA[AK]-[A-Za-z0-9]{27}|NRI[IQ]-[A-Za-z0-9_-]{32}|NRRA-[0-9a-f]{42}|NRSP-[a-z]{2}[0-9]{2}[A-Za-z0-9_-]{30,40}|NRJS-[0-9a-f]{19}|px-(?:api|dep)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})|\b[0-9a-z]{36}NRAL\b";
    "newrelic-license", Any, ["license"], r"(?i)(?:new[_.-]?relic|nr)[a-z0-9_.-]{0,20}license[a-z0-9_.-]{0,10}[\x22']?\s{0,5}[:=]\s{0,5}[\x22']?([0-9a-f]{40})\b";
    "grafana-token", Any, ["eyJrIjoi", "glc_", "glsa_"], r"\b(?:eyJrIjoi[A-Za-z0-9]{60,160}={0,2}|glc_eyJ[A-Za-z0-9+/=]{60,180}|glsa_[A-Za-z0-9]{32}_[0-9a-f]{8})";
    "dynatrace-token", Any, ["dt0"], r"\bdt0[a-zA-Z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}";
    "datadog-key", Any, ["datadog", "dd_"], r"(?i)(?:datadog|\bdd)[_.-](?:api|app|application)[_.-]?key[\x22']?\s{0,5}[:=]\s{0,5}[\x22']?([0-9a-f]{32,40})\b";
    "sentry-token", Any, ["sntry"], r"\bsntry[su]_[A-Za-z0-9+/=_-]{40,300}";
    "postman-key", Any, ["PMAK-"], r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}";
    "figma-token", Any, ["figma", "figd_"], r"\bfigd_[A-Za-z0-9_-]{40}|(?i:figma.{0,20})([0-9a-f]{4}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})";
    "stripe-key", Any, ["sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"], r"\b(?:[sr]k_(?:live|test)_[A-Za-z0-9]{16,250}|whsec_[A-Za-z0-9+/=]{24,64})";
    "square-token", Any, ["sq0atp-", "sq0csp-", "EAAA"], r"\b(?:sq0atp-[A-Za-z0-9_-]{22}|sq0csp-[A-Za-z0-9_-]{43}|EAAA[A-Za-z0-9_-]{60})";
    "shopify-token", Any, ["shpss_", "shpat_", "shpca_", "shppa_"], r"\bshp(?:ss|at|ca|pa)_[0-9a-fA-F]{32}\b";
    "segment-token", Any, ["sgp_"], r"\bsgp_[A-Za-z0-9]{64}\b";
    "salesforce-token", Any, ["00D"], r"\b00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?![A-Za-z0-9._]{80,120}";
    "okta-token", Any, ["okta"], r"(?is)okta.{0,40}?[\s=:\x22'(](00[a-z0-9_-]{39}[a-z0-9_])(?:[^a-z0-9_-]|\z)";
    "okta-authorization", Any, ["SSWS"], r"\bSSWS\s{1,3}(00[A-Za-z0-9_-]{40})";
    "auth0-secret", Any, ["auth0"], r"(?i)auth0.{0,40}?secret[\x22']?\s{0,5}[:=]\s{0,5}[\x22']?([A-Za-z0-9_-]{40,128})\b";
    "adafruit-key", Any, ["aio_"], r"\baio_[A-Za-z0-9]{28}\b";
    "dependency-track-key", Any, ["odt_"], r"\bodt_[A-Za-z0-9]{32,255}";
    "mapbox-secret", Any, ["sk.eyJ"], r"\bsk\.eyJ[A-Za-z0-9_-]{50,100}\.[A-Za-z0-9_-]{20,30}";
    "stackhawk-key", Any, ["hawk."], r"\bhawk\.[A-Za-z0-9_-]{20}\.[A-Za-z0-9_-]{20}\b";
    "sauce-key", Any, ["sauce"], r"(?i)sauce.{0,40}?[=:\s\x22']([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})";
    "truenas-key", Any, ["api_key", "Bearer"], r"\b[0-9]{1,3}-[A-Za-z0-9]{64}\b";
    "linear-key", Any, ["lin_api_"], r"\blin_api_[A-Za-z0-9]{40}\b";
    "notion-token", Any, ["secret_", "ntn_"], r"\b(?:secret_[A-Za-z0-9]{43}|ntn_[0-9]{11}[A-Za-z0-9]{35})\b";
    "planetscale-token", Any, ["pscale_"], r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,64}";
    "supabase-key", Any, ["sbp_"], r"\bsbp_[0-9a-f]{40}\b";
    "fly-token", Any, ["fo1_", "fm1", "fm2_"], r"\b(?:fo1_[A-Za-z0-9_-]{43}|fm[12][ar]?_[A-Za-z0-9+/]{100,600}={0,3})";
    "tailscale-key", Any, ["tskey-"], r"\btskey-[a-z]{2,12}-[A-Za-z0-9]{8,40}-[A-Za-z0-9]{16,64}";

    // Tokens and headers of any issuer.
    "jwt", Any, ["eyJ"], r"\bey[A-Za-z0-9_-]{12,4096}\.ey[A-Za-z0-9_-]{12,8192}\.[A-Za-z0-9_-]{16,4096}";
    "authorization-bearer", Literal, ["bearer"], r#"(?i)\bbearer[:\s]{1,5}["']?([A-Za-z0-9_.~+/=-]{16,4096})"#;
    "authorization-basic", Any, ["basic"], r#"(?i)\bbasic\s{1,5}([A-Za-z0-9+/]{14,400}={0,2})(?:[^A-Za-z0-9+/=]|\z)"#;
    "authorization-token", Literal, ["authorization"], r#"(?i)\bauthorization["']?\s{0,5}[:=]\s{0,5}["']?(?:token|apikey|key)\s{1,3}["']?([A-Za-z0-9_.~+/=-]{16,4096})"#;
    "cookie-session", Random, ["cookie"], r"(?i)\b(?:set-)?cookie:\s{0,3}[^=;\s]{1,64}=([^;\s]{16,4096})";

    // Passwords in URLs and connection strings.
    "url-password", Value, ["://"], r#"(?i)\b[a-z][a-z0-9+.-]{1,30}://[^\s:/@?#"'<>]{0,128}:([^\s/@"'<>]{1,256})@[^\s/@]"#;
    "connection-string-password", Value, ["password", "pwd"], r#"(?i)(?:server|data source|host|addr|address|database|driver|user(?: id)?|uid|username)\s{0,3}=\s{0,3}[^;\n]{1,200};(?:[^\n]{0,300}?;)?\s{0,3}(?:password|pwd)\s{0,3}=\s{0,3}([^;\s"'(][^;\s"']{2,127})"#;
    "connection-words-password", Value, ["password"], r#"(?i)\b(?:host|port|user|dbname)=[^\s"']{1,128}(?:\s+[a-z_]{2,20}=[^\s"']{1,128}){0,8}\s+password=([^\s"']{3,128})"#;
    "query-password", Literal, ["password=", "passwd=", "pwd=", "access_token=", "api_key=", "apikey=", "token=", "secret=", "sig="], r#"(?i)[?&](?:password|passwd|pwd|access_token|api_?key|client_secret|secret|token|sig)=([^&\s"'#<>]{6,4096})"#;
    "netrc-password", Value, ["machine"], r"(?i)\bmachine\s+\S{1,255}(?:\s+login\s+\S{1,255})?\s+password\s+(\S{1,256})";
    "basic-user-argument", Literal, ["curl", "wget"], r#"\bcurl\b[^\n]{0,300}?\s(?:-u|--user)[\s=]{1,3}["']?[^\s:"']{1,128}:([^\s"']{3,256})"#;
    "password-argument", Value, ["psexec", "docker login", "mysql", "sshpass", "connect-viserver", "net use"], r#"(?i)\b(?:psexec|docker login|mysql|mysqldump|sshpass|connect-viserver)\b[^\n]{0,200}?\s-p(?:assword)?[\s=]{0,3}["']?([^\s"'$-][^\s"']{3,128})"#;
    "network-credential", Value, ["NetworkCredential"], r#"NetworkCredential\(\s{0,5}["'][^"']{1,128}["']\s{0,5},\s{0,5}["']([^"']{3,256})["']"#;
    "password-hash", Any, ["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$7$", "$8$", "$9$", "$argon2", "$krb5"], r"\$(?:1\$[./A-Za-z0-9]{0,8}\$[./A-Za-z0-9]{22}|2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}|[5-9]\$(?:rounds=[0-9]{1,9}\$)?[./A-Za-z0-9]{0,16}\$[./A-Za-z0-9]{43,86}|argon2(?:id|i|d)\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{8,64}\$[A-Za-z0-9+/]{20,128}|krb5asrep\$[0-9]{2}\$[^\s$]{3,200}[:$][0-9A-Fa-f$]{32,2000})";

    "license-key-line", Any, ["license_key"], r"(?i)\blicense_key\s{0,5}[:=]\s{0,5}[\x22']?([0-9a-f]{40})\b";
    "kubernetes-bootstrap-token", Any, ["bootstrap"], r#"(?i)bootstrap[_-]token["']?[:=\s]{1,5}["']?([a-z0-9]{6}\.[a-z0-9]{16})\b"#;
    "client-credentials-argument", Literal, ["-u "], r#"(?m)(?:^|\s)-u\s{1,3}["']?[A-Za-z0-9_.@-]{3,128}:([A-Za-z0-9_~.+/=-]{16,256})"#;

    // Assignments: the name says what it is, the value must look like one.
    "secret-assignment", Random, ["secret", "token", "api", "key", "credential", "auth"], r#"(?i)(?:secret|token|api[_.-]?key|apikey|access[_.-]?key|private[_.-]?key|encryption[_.-]?key|signing[_.-]?key|storage[_.-]?key|credential|auth[_.-]?key)(?:[_.-]?(?:key|base|value|id|b64|hex|token))?["'\]\\]{0,4}\s{0,10}(?::=|=>|[:=,])\s{0,10}(?:["'`]{1,3}\\?["'`]?([^"'`\s\\]{10,})\\?["'`]|\\["'`]([^"'`\s\\]{10,})\\["'`]|"([^"\s]{10,})"|'([^'\s]{10,})')"#;
    "secret-environment", Random, ["secret", "token", "api_key", "apikey", "access_key", "private_key"], r#"(?:^|[^A-Za-z0-9])[A-Z][A-Z0-9_]{0,60}(?:SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)(?:_KEY|_BASE|_VALUE)?=([^\s"'`;&|<>()]{12,512})"#;
    "password-assignment", Literal, ["password", "passwd", "passphrase", "pwd"], r#"(?i)(?:password|passwd|passphrase|pwd)["'\]\\]{0,4}\s{0,10}(?::=|=>|[:=])\s{0,10}(?:\\?["'`]([^"'`\s\\,#/&][^"'`\s\\]{5,})\\?["'`]|"([^"\s,#/&$:][^"\n]{5,})"|'([^'\s,#/&$:][^'\n]{5,})')"#;
    "password-environment", Literal, ["pass", "pwd"], r#"(?:^|[^A-Za-z0-9])[A-Z][A-Z0-9_]{0,60}(?:PASSWORD|PASSWD|PASS|PWD|PASSPHRASE)=([^\s"'`;&|<>()]{4,256})"#;
    "access-token-form", Random, ["access_token="], r"\baccess_token=([A-Za-z0-9_.~+/-]{20,4096})";
    "secret-line", Random, ["secret", "token", "api_key", "apikey", "access_key", "private_key"], r"(?im)^\s{0,40}(?:[a-z0-9_.-]{0,30}[_.-])?(?:secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key)\s{0,10}[:=]\s{0,10}([A-Za-z0-9_+/=~.-]{16,512})\s{0,10}$";
    "password-line", Random, ["password", "passwd"], r"(?im)^\s{0,40}(?:[a-z0-9_.-]{0,30}[_.-])?(?:password|passwd)\s{0,10}[:=]\s{0,10}([^\s;,(){}\[\]\x22'`][^\s;,(){}\[\]\x22'`]{7,255})\s{0,10}$";

    // Words of people: what is written beside `password` in prose, in configuration, in comparisons.
    "password-in-prose", Literal, ["password"], r#"(?i)\bpassword\b(?:\s{1,3}(?:for|of|to)\b[^\n.]{0,60}?)?\s{1,3}is:?\s{1,3}(?:"([^"\s]{3,128})"|'([^'\s]{3,128})'|`([^`\s]{3,128})`)"#;
    "password-compared", Literal, ["password", "passwd", "pwd", "secret"], r#"(?i)(?:password|passwd|pwd|secret)["'\])]{0,3}\s{0,3}[!=]={1,2}\s{0,3}(?:"([^"\s]{4,128})"|'([^'\s]{4,128})')"#;
    "password-beside-user", Value, ["pass"], r#"(?im)^\s{0,40}[a-z0-9_.-]{0,30}user(?:[_-]?name)?\s{0,10}[:=]\s{0,10}\S{1,128}[ \t]{0,10}\r?\n(?:\s{0,40}(?://|\x23)[^\n]{0,200}\n){0,3}\s{0,40}[a-z0-9_.-]{0,30}pass(?:word|wd|phrase)?\s{0,10}[:=]\s{0,10}(?:'([^'\n]{4,128})'|"([^"\n]{4,128})"|([^\s'"`;,(){}\[\]]{4,128})[ \t]{0,10}$)"#;
    "password-in-credentials", Value, ["credentials"], r#"(?i)\bcredentials\s{0,5}\{[^}]{0,200}?\busername\s{1,5}["'][^"'\n]{1,128}["']\s{1,20}password\s{1,5}["']([^"'\n]{3,128})["']"#;
    "password-of-mailer", Value, ["->password"], r#"(?i)->password\s{0,10}=\s{0,5}["']([^"'\n]{3,128})["']"#;
    "password-of-entry", Value, ["directoryentry"], r#"(?i)\bDirectoryEntry\(\s{0,20}"[^"\n]{1,200}"\s{0,5},\s{0,20}"[^"\n]{1,200}"\s{0,5},\s{0,20}"([^"\n]{3,128})""#;
    "password-in-xml", Literal, ["password"], r#"(?i)\b(?:key|name)="[a-z0-9_.-]{0,60}password"\s{1,5}value="([^"\s]{4,256})""#;
    "password-of-first-start", Any, ["password"], r"(?i)\bpassword to proceed to installation:\s{1,10}([0-9a-f]{32})\b";
    "password-after-semicolon", Literal, ["password", "pwd"], r#"(?i)\b(?:user|uid|user(?: id|name)?)\s{0,3}=\s{0,3}[^;\n]{1,100};[^;\n]{0,40}?\$?(?:password|pwd)\s{0,3}=\s{0,3}([a-z0-9][^;\s"'()]{3,128});"#;
    "authorization-header", Literal, ["authorization"], r"(?i)\bauthorization:\s{1,3}bearer\s{1,3}([A-Za-z0-9_.~+/=-]{8,15})(?:[^A-Za-z0-9_.~+/=-]|\z)";
    "build-field", Random, ["_key", "token", "secret"], r#"(?i)["'][a-z0-9_]{0,40}(?:api_key|token|secret)["']\s{0,5},\s{0,5}["']{1,2}\\?["']?([a-z0-9_+/=-]{16,256})\\?["']"#;
    "azure-devops-legacy-token", Any, ["_pat", "pat_", "pat=", "pat:", "pat ", "pat\"", "pat'", "ado_", "azure", "devops", "vsts", "access_token", "accesstoken"], r#"(?i)(?:\b|_)(?:ado|azure|devops|vsts|pat|personal_?access_?token)(?:[_.-][a-z0-9_.-]{0,30})?["']?\s{0,5}[:=]\s{0,5}["']?([a-z2-7]{52})\b"#;
    "thingsboard-device", Any, ["thingsboard"], r"(?i)\bthingsboard\.[a-z0-9.-]{1,60}(?::[0-9]{1,5})?/api/v1/([a-z0-9]{20})\b";
}
