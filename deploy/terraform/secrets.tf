# The visitor key is given by people, once, and lies in no state: see the README. It can't be changed later, so its first
# version is the one that is used for good.

resource "google_secret_manager_secret" "visitor_key" {
  secret_id = "${var.name}-visitor-key"

  replication {
    auto {}
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret" "definitions" {
  secret_id = "${var.name}-definitions"

  replication {
    auto {}
  }

  depends_on = [google_project_service.used]
}

# Redis's address with its password and the authority that signed its certificate. That authority is this instance's alone,
# so that whoever shows its certificate is the instance, by whatever name; the certificate doesn't name its address.
resource "google_secret_manager_secret_version" "definitions" {
  secret = google_secret_manager_secret.definitions.id
  secret_data = format(
    "rediss://:%s@%s:%d/0?ssl_check_hostname=false&ssl_ca_data=%s",
    urlencode(google_redis_instance.definitions.auth_string),
    google_redis_instance.definitions.host,
    google_redis_instance.definitions.port,
    urlencode(join("\n", google_redis_instance.definitions.server_ca_certs[*].cert)),
  )
}
