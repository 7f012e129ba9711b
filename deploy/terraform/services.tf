# Read service and collector: the same image, other words. Cloud Run keeps /healthz for itself when asked from outside;
# its own probes, which ask from inside, reach ours.

locals {
  ingress = var.public ? "INGRESS_TRAFFIC_ALL" : "INGRESS_TRAFFIC_INTERNAL_ONLY"
  secret_env = {
    DAYCOUNT_DEFINITIONS = { secret = google_secret_manager_secret.definitions.secret_id, version = google_secret_manager_secret_version.definitions.version }
    DAYCOUNT_VISITOR_KEY = { secret = google_secret_manager_secret.visitor_key.secret_id, version = "1" }
  }
  run = {
    serve = {
      account = "readers"
      port    = 8080
      args    = ["serve", "--host", "0.0.0.0", "--port", "8080", "--store", local.stores["readers"]]
      secrets = ["DAYCOUNT_DEFINITIONS", "DAYCOUNT_VISITOR_KEY"]
      memory  = "1Gi"
      # One process answers some hundreds of requests per second; more waiting at once only makes all of them slower.
      concurrency = 40
    }
    collect = {
      account     = "collector"
      port        = 8081
      args        = ["collect", "--host", "0.0.0.0", "--port", "8081", "--to", "pubsub://${var.project}/${google_pubsub_topic.events.name}"]
      secrets     = ["DAYCOUNT_DEFINITIONS"]
      memory      = "1Gi"
      concurrency = 200
    }
  }
}

resource "google_cloud_run_v2_service" "of" {
  for_each             = local.deployed == 1 ? local.run : {}
  name                 = "${var.name}-${each.key}"
  location             = var.region
  ingress              = local.ingress
  invoker_iam_disabled = true # keys of our own decide
  deletion_protection  = var.deletion_protection

  template {
    service_account                  = google_service_account.of[each.value.account].email
    timeout                          = "60s"
    max_instance_request_concurrency = each.value.concurrency

    scaling {
      min_instance_count = 1
      max_instance_count = 10
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        network    = google_compute_network.private.name
        subnetwork = google_compute_subnetwork.private.name
      }
    }

    containers {
      image = "${local.registry}/daycount-serve:${var.release}"
      args  = each.value.args

      ports {
        container_port = each.value.port
      }

      resources {
        limits            = { cpu = "1", memory = each.value.memory }
        cpu_idle          = false # definitions are read again between requests
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = { for name in each.value.secrets : name => local.secret_env[name] }
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value.secret
              version = env.value.version
            }
          }
        }
      }

      startup_probe {
        period_seconds    = 5
        failure_threshold = 12
        http_get {
          path = "/healthz"
        }
      }

      liveness_probe {
        period_seconds = 10
        http_get {
          path = "/healthz"
        }
      }
    }
  }

  depends_on = [
    google_bigtable_instance_iam_member.uses,
    google_pubsub_topic_iam_member.publishes,
    google_secret_manager_secret_iam_member.reads,
  ]
}
