import { Controller, Get } from '@nestjs/common';
import { ApiExcludeEndpoint, type OpenAPIObject } from '@nestjs/swagger';
import { RunningApp } from '#libs/service';
import { AdminApi } from './api.js';
import { describeApi } from './openapi.js';

/** `GET /v1/openapi.json`: the API of this process, whichever stages it runs. */
@AdminApi()
@Controller('v1/openapi.json')
export class OpenApiController {
  private document: OpenAPIObject | undefined;

  constructor(private readonly running: RunningApp) {}

  @Get()
  @ApiExcludeEndpoint()
  describe(): OpenAPIObject {
    this.document ??= describeApi(this.running.get());
    return this.document;
  }
}
