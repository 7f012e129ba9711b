# Events, what could never be delivered, and what was rejected. Topics outlive the job: nothing here is deleted with it.

locals {
  retention = "${var.event_retention_days * 24 * 3600}s"
  month     = "2678400s" # Pub/Sub's longest
}

resource "google_pubsub_topic" "events" {
  name                       = "${var.name}-events"
  message_retention_duration = local.retention
  depends_on                 = [google_project_service.used]
}

resource "google_pubsub_subscription" "events" {
  name                       = "${var.name}-events"
  topic                      = google_pubsub_topic.events.id
  ack_deadline_seconds       = 60
  message_retention_duration = local.retention
  # So that a job that was cancelled, or a store that was restored, can go back in time: ids keep it exact.
  retain_acked_messages = true

  expiration_policy {
    ttl = "" # never, however long nobody asks
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  # Records that can't be counted are rejects and are acknowledged. What ends here instead is a message that no worker
  # survives. Dataflow hands messages back for reasons of its own too, hence the most attempts there can be.
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters.id
    max_delivery_attempts = 100
  }

  lifecycle {
    precondition {
      condition     = var.event_retention_days <= var.dedup_days
      error_message = "event_retention_days is longer than dedup_days: a replay would count events whose ids are forgotten again."
    }
  }
}

resource "google_pubsub_topic" "dead_letters" {
  name       = "${var.name}-dead-letters"
  depends_on = [google_project_service.used]
}

resource "google_pubsub_subscription" "dead_letters" {
  name                       = "${var.name}-dead-letters"
  topic                      = google_pubsub_topic.dead_letters.id
  message_retention_duration = local.month

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_topic" "rejects" {
  name       = "${var.name}-rejects"
  depends_on = [google_project_service.used]
}

# What was rejected waits here to be looked at, mended and counted; see the runbook.
resource "google_pubsub_subscription" "rejects" {
  name                       = "${var.name}-rejects"
  topic                      = google_pubsub_topic.rejects.id
  ack_deadline_seconds       = 60
  message_retention_duration = local.month

  expiration_policy {
    ttl = ""
  }
}
