# The job. A change of its parameters or template updates it in place (`--update`), which keeps its state.

resource "google_dataflow_flex_template_job" "counts" {
  count                   = local.deployed
  provider                = google-beta
  name                    = var.name
  region                  = var.region
  container_spec_gcs_path = "gs://${google_storage_bucket.job.name}/${var.name}-${var.release}.json"
  # Draining finishes what was acknowledged and not counted yet; cancelling would need a replay to be exact.
  on_delete = "drain"

  service_account_email   = google_service_account.of["pipeline"].email
  network                 = google_compute_network.private.name
  subnetwork              = "regions/${var.region}/subnetworks/${google_compute_subnetwork.private.name}"
  ip_configuration        = "WORKER_IP_PRIVATE"
  staging_location        = "gs://${google_storage_bucket.job.name}/staging"
  temp_location           = "gs://${google_storage_bucket.job.name}/temp"
  enable_streaming_engine = true
  machine_type            = var.machine_type
  num_workers             = var.workers.start
  max_workers             = var.workers.max
  autoscaling_algorithm   = "THROUGHPUT_BASED"
  additional_experiments  = var.at_least_once ? ["streaming_mode_at_least_once"] : []

  parameters = {
    input               = "pubsub://${var.project}/${google_pubsub_subscription.events.name}"
    store               = local.stores["pipeline"]
    rejects             = "pubsub://${var.project}/${google_pubsub_topic.rejects.name}"
    shards              = tostring(var.shards)
    dedup_days          = tostring(var.dedup_days)
    sdk_container_image = "${local.registry}/daycount-dataflow:${var.release}"
  }

  lifecycle {
    precondition {
      condition     = contains(var.table_prefixes, var.table_prefix)
      error_message = "table_prefix is none of table_prefixes: there are no such tables."
    }
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.runs_images,
    google_bigtable_gc_policy.one_version,
    google_bigtable_instance_iam_member.uses,
    google_project_iam_member.works,
    google_pubsub_subscription_iam_member.pulls,
    google_pubsub_topic_iam_member.publishes,
    google_secret_manager_secret_iam_member.reads,
    google_storage_bucket_iam_member.stages,
  ]
}
