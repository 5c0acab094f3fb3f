; Where names are defined and used, for editors without the language server.
(source_file) @local.scope

(declaration (declared (names (name) @local.definition)))
(declaration (declared (set (name) @local.definition)))
(latent hidden: (names (name) @local.definition))
(query name: (name) @local.definition)
(data name: (name) @local.definition)

(group (name) @local.reference)
(group (set (name) @local.reference))
(event (name) @local.reference)
(setting (name) @local.reference)
(variable) @local.reference
(output query: (name) @local.reference)
