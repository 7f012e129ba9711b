# An account for each program, with what it needs and no more. Rights are on single resources wherever there are such.

locals {
  programs = { pipeline = "counts", readers = "answers", collector = "takes events" }

  # program -> secrets it reads
  secrets = {
    "pipeline/visitor_key"  = google_secret_manager_secret.visitor_key.id
    "pipeline/definitions"  = google_secret_manager_secret.definitions.id
    "readers/visitor_key"   = google_secret_manager_secret.visitor_key.id # for /v1/explain, which asks about one visitor
    "readers/definitions"   = google_secret_manager_secret.definitions.id
    "collector/definitions" = google_secret_manager_secret.definitions.id
  }

  # Whoever publishes looks at the topic first, to say at the start that it isn't there.
  publishing = {
    "pipeline/rejects" = google_pubsub_topic.rejects.id
    "collector/events" = google_pubsub_topic.events.id
  }
  topic_roles = {
    for pair in setproduct(keys(local.publishing), ["publisher", "viewer"]) : "${pair[0]}/${pair[1]}" => pair
  }
}

resource "google_service_account" "of" {
  for_each     = local.programs
  account_id   = "${var.name}-${each.key}"
  display_name = "Daycount ${each.value}"
  depends_on   = [google_project_service.used]
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each  = local.secrets
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.of[split("/", each.key)[0]].member
}

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = local.topic_roles
  topic    = local.publishing[each.value[0]]
  role     = "roles/pubsub.${each.value[1]}"
  member   = google_service_account.of[split("/", each.key)[0]].member
}

resource "google_pubsub_subscription_iam_member" "pulls" {
  for_each     = toset(["subscriber", "viewer"])
  subscription = google_pubsub_subscription.events.name
  role         = "roles/pubsub.${each.value}"
  member       = google_service_account.of["pipeline"].member
}

resource "google_bigtable_instance_iam_member" "uses" {
  for_each = { pipeline = "roles/bigtable.user", readers = "roles/bigtable.reader" }
  instance = google_bigtable_instance.store.name
  role     = each.value
  member   = google_service_account.of[each.key].member
}

# There is no narrower resource for these two: a job's worker, and what it tells of itself.
resource "google_project_iam_member" "works" {
  for_each = toset(["roles/dataflow.worker", "roles/monitoring.metricWriter"])
  project  = var.project
  role     = each.value
  member   = google_service_account.of["pipeline"].member
}

resource "google_storage_bucket_iam_member" "stages" {
  bucket = google_storage_bucket.job.name
  role   = "roles/storage.objectAdmin"
  member = google_service_account.of["pipeline"].member
}

resource "google_artifact_registry_repository_iam_member" "runs_images" {
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.of["pipeline"].member
}

# Pub/Sub itself moves dead letters.
data "google_project" "this" {
  project_id = var.project
}

locals {
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic_iam_member" "forwards_dead_letters" {
  topic  = google_pubsub_topic.dead_letters.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "takes_dead_letters" {
  subscription = google_pubsub_subscription.events.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
