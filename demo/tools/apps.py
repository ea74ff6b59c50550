from django.apps import AppConfig


class ToolsConfig(AppConfig):
    name = "demo.tools"
    label = "tools"
