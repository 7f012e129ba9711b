variable "project" {
  description = "The Google Cloud project that everything is made in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id: 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Where job, services, Redis and secrets are."
  type        = string
  default     = "europe-west1"
}

variable "zone" {
  description = "Where Bigtable's cluster is: in the region, so that a unit's round trips are short."
  type        = string
  default     = "europe-west1-b"
}

variable "name" {
  description = "What names of resources begin with."
  type        = string
  default     = "daycount"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}$", var.name))
    error_message = "2 to 15 lower-case letters, digits and hyphens: service accounts have room for no more."
  }
}

variable "release" {
  description = "The images' and template's version. Empty: neither job nor services are made, which the first step of a deployment needs."
  type        = string
  default     = ""
}

variable "table_prefixes" {
  description = "What names of tables begin with: a store's four tables for each. A restored or enlarged store gets one of its own."
  type        = list(string)
  default     = [""]

  validation {
    condition     = alltrue([for p in var.table_prefixes : can(regex("^([A-Za-z0-9_][-A-Za-z0-9_.]{0,40})?$", p))])
    error_message = "Up to 41 letters, digits and _ - . that do not begin with - or a dot."
  }
}

variable "table_prefix" {
  description = "The one of them that is counted into and read."
  type        = string
  default     = ""
}

variable "shards" {
  description = "Parts the work is cut into: about twice the workers' cores at the most that will ever be needed. Fixed by the first run on a store."
  type        = number
  default     = 32

  validation {
    condition     = var.shards >= 1 && var.shards <= 4096 && floor(var.shards) == var.shards
    error_message = "A whole number from 1 to 4096."
  }
}

variable "dedup_days" {
  description = "How long an event's id is remembered. Not less than event_retention_days, or a replay of all that is retained counts twice."
  type        = number
  default     = 8

  validation {
    condition     = var.dedup_days >= 1 && var.dedup_days <= 400
    error_message = "From 1 to 400 days."
  }
}

variable "event_retention_days" {
  description = "How long Pub/Sub keeps events, acknowledged ones too, for replays."
  type        = number
  default     = 7

  validation {
    condition     = var.event_retention_days >= 1 && var.event_retention_days <= 31
    error_message = "From 1 to 31 days, which is Pub/Sub's bound."
  }
}

variable "machine_type" {
  description = "Of Dataflow's workers. They need memory for what is known of visitors, see deploy/dataflow/README.md."
  type        = string
  default     = "n2-standard-2"
}

variable "workers" {
  description = "Dataflow's workers: how many it starts with, and how many there may be."
  type        = object({ start = number, max = number })
  default     = { start = 1, max = 8 }

  validation {
    condition     = var.workers.start >= 1 && var.workers.max >= var.workers.start
    error_message = "At least one, and max not less than start."
  }
}

variable "at_least_once" {
  description = "Dataflow's at-least-once mode: cheaper and quicker, and the numbers are the same."
  type        = bool
  default     = false
}

variable "bigtable_nodes" {
  description = "Bigtable's nodes: fewest and most. Autoscaling keeps their CPU at 60 %."
  type        = object({ min = number, max = number })
  default     = { min = 1, max = 5 }

  validation {
    condition     = var.bigtable_nodes.min >= 1 && var.bigtable_nodes.max >= var.bigtable_nodes.min && var.bigtable_nodes.max <= 10 * var.bigtable_nodes.min
    error_message = "At least one, and max not more than ten times min, which is Bigtable's rule."
  }
}

variable "redis_memory_gb" {
  description = "Redis holds definitions and keys: one gigabyte is some ten thousand accounts."
  type        = number
  default     = 1

  validation {
    condition     = var.redis_memory_gb >= 1
    error_message = "At least 1."
  }
}

variable "public" {
  description = "Whether read service and collector are reachable from everywhere. API keys decide who may do what in any case."
  type        = bool
  default     = false
}

variable "alert_channels" {
  description = "Notification channels of Cloud Monitoring that alerts go to: projects/P/notificationChannels/N."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for c in var.alert_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", c))])
    error_message = "Each is projects/P/notificationChannels/N."
  }
}

variable "deletion_protection" {
  description = "Whether tables, instance and services refuse to be deleted."
  type        = bool
  default     = true
}
