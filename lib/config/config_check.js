// Generated from config_schema.ts by `deno task generate`: do not edit.
// deno-fmt-ignore-file
// deno-lint-ignore-file
// @ts-nocheck: Ajv's code
"use strict";
export const checkFile = validate10;
const schema11 = {"type":"object","required":["name","schedules"],"additionalProperties":false,"properties":{"name":{"type":"string","minLength":1,"maxLength":256},"timezone":{"type":["string","null"],"minLength":1},"schedules":{"type":"array"}}};
const func2 = (text) => [...text].length;

function validate10(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.name === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "name"},message:"must have required property '"+"name"+"'",schema:schema11.required,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
if(data.schedules === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "schedules"},message:"must have required property '"+"schedules"+"'",schema:schema11.required,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
for(const key0 in data){
if(!(((key0 === "name") || (key0 === "timezone")) || (key0 === "schedules"))){
const err2 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},message:"must NOT have additional properties",schema:false,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
if(data.name !== undefined){
let data0 = data.name;
if(typeof data0 === "string"){
if(func2(data0) > 256){
const err3 = {instancePath:instancePath+"/name",schemaPath:"#/properties/name/maxLength",keyword:"maxLength",params:{limit: 256},message:"must NOT have more than 256 characters",schema:256,parentSchema:schema11.properties.name,data:data0};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
if(func2(data0) < 1){
const err4 = {instancePath:instancePath+"/name",schemaPath:"#/properties/name/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters",schema:1,parentSchema:schema11.properties.name,data:data0};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
else {
const err5 = {instancePath:instancePath+"/name",schemaPath:"#/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema11.properties.name.type,parentSchema:schema11.properties.name,data:data0};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
}
if(data.timezone !== undefined){
let data1 = data.timezone;
if((typeof data1 !== "string") && (data1 !== null)){
const err6 = {instancePath:instancePath+"/timezone",schemaPath:"#/properties/timezone/type",keyword:"type",params:{type: schema11.properties.timezone.type},message:"must be string,null",schema:schema11.properties.timezone.type,parentSchema:schema11.properties.timezone,data:data1};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
if(typeof data1 === "string"){
if(func2(data1) < 1){
const err7 = {instancePath:instancePath+"/timezone",schemaPath:"#/properties/timezone/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters",schema:1,parentSchema:schema11.properties.timezone,data:data1};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
}
if(data.schedules !== undefined){
let data2 = data.schedules;
if(!(Array.isArray(data2))){
const err8 = {instancePath:instancePath+"/schedules",schemaPath:"#/properties/schedules/type",keyword:"type",params:{type: "array"},message:"must be array",schema:schema11.properties.schedules.type,parentSchema:schema11.properties.schedules,data:data2};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
}
}
else {
const err9 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema11.type,parentSchema:schema11,data};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
validate10.errors = vErrors;
return errors === 0;
}

export const checkEntry = validate11;
const schema12 = {"type":"object","required":["name","dispatch_type"],"additionalProperties":false,"properties":{"name":{"type":"string","minLength":1,"maxLength":256},"cron":{"type":["string","null"]},"interval_seconds":{"type":["number","null"],"minimum":0.001,"maximum":3155760000},"dispatch_type":{"enum":["goal","task"]},"goal":{"type":["object","null"],"required":["instruction"],"additionalProperties":false,"properties":{"instruction":{"type":"string","minLength":1},"context":{"type":["object","null"]},"priority":{"enum":["low","normal","high","critical",null]}}},"task":{"type":["object","null"],"required":["worker_type"],"additionalProperties":false,"properties":{"worker_type":{"type":"string","minLength":1},"payload":{"type":["object","null"]},"model_tier":{"enum":["local","standard","frontier",null]},"priority":{"enum":["low","normal","high","critical",null]}}},"expand_from":{"type":["string","null"]},"expand_timeout_seconds":{"type":["number","null"],"exclusiveMinimum":0,"maximum":86400},"enabled":{"type":["boolean","null"]},"timezone":{"type":["string","null"],"minLength":1},"jitter_seconds":{"type":["number","null"],"minimum":0,"maximum":3155760000},"run_on_start":{"type":["boolean","null"]},"start_at":{"type":["string","null"]},"end_at":{"type":["string","null"]},"misfire_grace_seconds":{"type":["number","null"],"minimum":0},"catch_up":{"enum":["none","one","all",null]}}};
const func5 = Object.prototype.hasOwnProperty;

function validate11(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.name === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "name"},message:"must have required property '"+"name"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
if(data.dispatch_type === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "dispatch_type"},message:"must have required property '"+"dispatch_type"+"'",schema:schema12.required,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
for(const key0 in data){
if(!(func5.call(schema12.properties, key0))){
const err2 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},message:"must NOT have additional properties",schema:false,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
if(data.name !== undefined){
let data0 = data.name;
if(typeof data0 === "string"){
if(func2(data0) > 256){
const err3 = {instancePath:instancePath+"/name",schemaPath:"#/properties/name/maxLength",keyword:"maxLength",params:{limit: 256},message:"must NOT have more than 256 characters",schema:256,parentSchema:schema12.properties.name,data:data0};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
if(func2(data0) < 1){
const err4 = {instancePath:instancePath+"/name",schemaPath:"#/properties/name/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters",schema:1,parentSchema:schema12.properties.name,data:data0};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
else {
const err5 = {instancePath:instancePath+"/name",schemaPath:"#/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.name.type,parentSchema:schema12.properties.name,data:data0};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
}
if(data.cron !== undefined){
let data1 = data.cron;
if((typeof data1 !== "string") && (data1 !== null)){
const err6 = {instancePath:instancePath+"/cron",schemaPath:"#/properties/cron/type",keyword:"type",params:{type: schema12.properties.cron.type},message:"must be string,null",schema:schema12.properties.cron.type,parentSchema:schema12.properties.cron,data:data1};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
if(data.interval_seconds !== undefined){
let data2 = data.interval_seconds;
if((!((typeof data2 == "number") && (isFinite(data2)))) && (data2 !== null)){
const err7 = {instancePath:instancePath+"/interval_seconds",schemaPath:"#/properties/interval_seconds/type",keyword:"type",params:{type: schema12.properties.interval_seconds.type},message:"must be number,null",schema:schema12.properties.interval_seconds.type,parentSchema:schema12.properties.interval_seconds,data:data2};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
if((typeof data2 == "number") && (isFinite(data2))){
if(data2 > 3155760000 || isNaN(data2)){
const err8 = {instancePath:instancePath+"/interval_seconds",schemaPath:"#/properties/interval_seconds/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3155760000},message:"must be <= 3155760000",schema:3155760000,parentSchema:schema12.properties.interval_seconds,data:data2};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
if(data2 < 0.001 || isNaN(data2)){
const err9 = {instancePath:instancePath+"/interval_seconds",schemaPath:"#/properties/interval_seconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0.001},message:"must be >= 0.001",schema:0.001,parentSchema:schema12.properties.interval_seconds,data:data2};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
}
}
if(data.dispatch_type !== undefined){
let data3 = data.dispatch_type;
if(!((data3 === "goal") || (data3 === "task"))){
const err10 = {instancePath:instancePath+"/dispatch_type",schemaPath:"#/properties/dispatch_type/enum",keyword:"enum",params:{allowedValues: schema12.properties.dispatch_type.enum},message:"must be equal to one of the allowed values",schema:schema12.properties.dispatch_type.enum,parentSchema:schema12.properties.dispatch_type,data:data3};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
}
if(data.goal !== undefined){
let data4 = data.goal;
if((!(data4 && typeof data4 == "object" && !Array.isArray(data4))) && (data4 !== null)){
const err11 = {instancePath:instancePath+"/goal",schemaPath:"#/properties/goal/type",keyword:"type",params:{type: schema12.properties.goal.type},message:"must be object,null",schema:schema12.properties.goal.type,parentSchema:schema12.properties.goal,data:data4};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
if(data4 && typeof data4 == "object" && !Array.isArray(data4)){
if(data4.instruction === undefined){
const err12 = {instancePath:instancePath+"/goal",schemaPath:"#/properties/goal/required",keyword:"required",params:{missingProperty: "instruction"},message:"must have required property '"+"instruction"+"'",schema:schema12.properties.goal.required,parentSchema:schema12.properties.goal,data:data4};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
for(const key1 in data4){
if(!(((key1 === "instruction") || (key1 === "context")) || (key1 === "priority"))){
const err13 = {instancePath:instancePath+"/goal",schemaPath:"#/properties/goal/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1},message:"must NOT have additional properties",schema:false,parentSchema:schema12.properties.goal,data:data4};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
}
if(data4.instruction !== undefined){
let data5 = data4.instruction;
if(typeof data5 === "string"){
if(func2(data5) < 1){
const err14 = {instancePath:instancePath+"/goal/instruction",schemaPath:"#/properties/goal/properties/instruction/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters",schema:1,parentSchema:schema12.properties.goal.properties.instruction,data:data5};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
}
else {
const err15 = {instancePath:instancePath+"/goal/instruction",schemaPath:"#/properties/goal/properties/instruction/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.goal.properties.instruction.type,parentSchema:schema12.properties.goal.properties.instruction,data:data5};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
}
if(data4.context !== undefined){
let data6 = data4.context;
if((!(data6 && typeof data6 == "object" && !Array.isArray(data6))) && (data6 !== null)){
const err16 = {instancePath:instancePath+"/goal/context",schemaPath:"#/properties/goal/properties/context/type",keyword:"type",params:{type: schema12.properties.goal.properties.context.type},message:"must be object,null",schema:schema12.properties.goal.properties.context.type,parentSchema:schema12.properties.goal.properties.context,data:data6};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
}
if(data4.priority !== undefined){
let data7 = data4.priority;
if(!(((((data7 === "low") || (data7 === "normal")) || (data7 === "high")) || (data7 === "critical")) || (data7 === null))){
const err17 = {instancePath:instancePath+"/goal/priority",schemaPath:"#/properties/goal/properties/priority/enum",keyword:"enum",params:{allowedValues: schema12.properties.goal.properties.priority.enum},message:"must be equal to one of the allowed values",schema:schema12.properties.goal.properties.priority.enum,parentSchema:schema12.properties.goal.properties.priority,data:data7};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
}
}
}
if(data.task !== undefined){
let data8 = data.task;
if((!(data8 && typeof data8 == "object" && !Array.isArray(data8))) && (data8 !== null)){
const err18 = {instancePath:instancePath+"/task",schemaPath:"#/properties/task/type",keyword:"type",params:{type: schema12.properties.task.type},message:"must be object,null",schema:schema12.properties.task.type,parentSchema:schema12.properties.task,data:data8};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
if(data8 && typeof data8 == "object" && !Array.isArray(data8)){
if(data8.worker_type === undefined){
const err19 = {instancePath:instancePath+"/task",schemaPath:"#/properties/task/required",keyword:"required",params:{missingProperty: "worker_type"},message:"must have required property '"+"worker_type"+"'",schema:schema12.properties.task.required,parentSchema:schema12.properties.task,data:data8};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
for(const key2 in data8){
if(!((((key2 === "worker_type") || (key2 === "payload")) || (key2 === "model_tier")) || (key2 === "priority"))){
const err20 = {instancePath:instancePath+"/task",schemaPath:"#/properties/task/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key2},message:"must NOT have additional properties",schema:false,parentSchema:schema12.properties.task,data:data8};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
}
if(data8.worker_type !== undefined){
let data9 = data8.worker_type;
if(typeof data9 === "string"){
if(func2(data9) < 1){
const err21 = {instancePath:instancePath+"/task/worker_type",schemaPath:"#/properties/task/properties/worker_type/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters",schema:1,parentSchema:schema12.properties.task.properties.worker_type,data:data9};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
}
else {
const err22 = {instancePath:instancePath+"/task/worker_type",schemaPath:"#/properties/task/properties/worker_type/type",keyword:"type",params:{type: "string"},message:"must be string",schema:schema12.properties.task.properties.worker_type.type,parentSchema:schema12.properties.task.properties.worker_type,data:data9};
if(vErrors === null){
vErrors = [err22];
}
else {
vErrors.push(err22);
}
errors++;
}
}
if(data8.payload !== undefined){
let data10 = data8.payload;
if((!(data10 && typeof data10 == "object" && !Array.isArray(data10))) && (data10 !== null)){
const err23 = {instancePath:instancePath+"/task/payload",schemaPath:"#/properties/task/properties/payload/type",keyword:"type",params:{type: schema12.properties.task.properties.payload.type},message:"must be object,null",schema:schema12.properties.task.properties.payload.type,parentSchema:schema12.properties.task.properties.payload,data:data10};
if(vErrors === null){
vErrors = [err23];
}
else {
vErrors.push(err23);
}
errors++;
}
}
if(data8.model_tier !== undefined){
let data11 = data8.model_tier;
if(!((((data11 === "local") || (data11 === "standard")) || (data11 === "frontier")) || (data11 === null))){
const err24 = {instancePath:instancePath+"/task/model_tier",schemaPath:"#/properties/task/properties/model_tier/enum",keyword:"enum",params:{allowedValues: schema12.properties.task.properties.model_tier.enum},message:"must be equal to one of the allowed values",schema:schema12.properties.task.properties.model_tier.enum,parentSchema:schema12.properties.task.properties.model_tier,data:data11};
if(vErrors === null){
vErrors = [err24];
}
else {
vErrors.push(err24);
}
errors++;
}
}
if(data8.priority !== undefined){
let data12 = data8.priority;
if(!(((((data12 === "low") || (data12 === "normal")) || (data12 === "high")) || (data12 === "critical")) || (data12 === null))){
const err25 = {instancePath:instancePath+"/task/priority",schemaPath:"#/properties/task/properties/priority/enum",keyword:"enum",params:{allowedValues: schema12.properties.task.properties.priority.enum},message:"must be equal to one of the allowed values",schema:schema12.properties.task.properties.priority.enum,parentSchema:schema12.properties.task.properties.priority,data:data12};
if(vErrors === null){
vErrors = [err25];
}
else {
vErrors.push(err25);
}
errors++;
}
}
}
}
if(data.expand_from !== undefined){
let data13 = data.expand_from;
if((typeof data13 !== "string") && (data13 !== null)){
const err26 = {instancePath:instancePath+"/expand_from",schemaPath:"#/properties/expand_from/type",keyword:"type",params:{type: schema12.properties.expand_from.type},message:"must be string,null",schema:schema12.properties.expand_from.type,parentSchema:schema12.properties.expand_from,data:data13};
if(vErrors === null){
vErrors = [err26];
}
else {
vErrors.push(err26);
}
errors++;
}
}
if(data.expand_timeout_seconds !== undefined){
let data14 = data.expand_timeout_seconds;
if((!((typeof data14 == "number") && (isFinite(data14)))) && (data14 !== null)){
const err27 = {instancePath:instancePath+"/expand_timeout_seconds",schemaPath:"#/properties/expand_timeout_seconds/type",keyword:"type",params:{type: schema12.properties.expand_timeout_seconds.type},message:"must be number,null",schema:schema12.properties.expand_timeout_seconds.type,parentSchema:schema12.properties.expand_timeout_seconds,data:data14};
if(vErrors === null){
vErrors = [err27];
}
else {
vErrors.push(err27);
}
errors++;
}
if((typeof data14 == "number") && (isFinite(data14))){
if(data14 > 86400 || isNaN(data14)){
const err28 = {instancePath:instancePath+"/expand_timeout_seconds",schemaPath:"#/properties/expand_timeout_seconds/maximum",keyword:"maximum",params:{comparison: "<=", limit: 86400},message:"must be <= 86400",schema:86400,parentSchema:schema12.properties.expand_timeout_seconds,data:data14};
if(vErrors === null){
vErrors = [err28];
}
else {
vErrors.push(err28);
}
errors++;
}
if(data14 <= 0 || isNaN(data14)){
const err29 = {instancePath:instancePath+"/expand_timeout_seconds",schemaPath:"#/properties/expand_timeout_seconds/exclusiveMinimum",keyword:"exclusiveMinimum",params:{comparison: ">", limit: 0},message:"must be > 0",schema:0,parentSchema:schema12.properties.expand_timeout_seconds,data:data14};
if(vErrors === null){
vErrors = [err29];
}
else {
vErrors.push(err29);
}
errors++;
}
}
}
if(data.enabled !== undefined){
let data15 = data.enabled;
if((typeof data15 !== "boolean") && (data15 !== null)){
const err30 = {instancePath:instancePath+"/enabled",schemaPath:"#/properties/enabled/type",keyword:"type",params:{type: schema12.properties.enabled.type},message:"must be boolean,null",schema:schema12.properties.enabled.type,parentSchema:schema12.properties.enabled,data:data15};
if(vErrors === null){
vErrors = [err30];
}
else {
vErrors.push(err30);
}
errors++;
}
}
if(data.timezone !== undefined){
let data16 = data.timezone;
if((typeof data16 !== "string") && (data16 !== null)){
const err31 = {instancePath:instancePath+"/timezone",schemaPath:"#/properties/timezone/type",keyword:"type",params:{type: schema12.properties.timezone.type},message:"must be string,null",schema:schema12.properties.timezone.type,parentSchema:schema12.properties.timezone,data:data16};
if(vErrors === null){
vErrors = [err31];
}
else {
vErrors.push(err31);
}
errors++;
}
if(typeof data16 === "string"){
if(func2(data16) < 1){
const err32 = {instancePath:instancePath+"/timezone",schemaPath:"#/properties/timezone/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters",schema:1,parentSchema:schema12.properties.timezone,data:data16};
if(vErrors === null){
vErrors = [err32];
}
else {
vErrors.push(err32);
}
errors++;
}
}
}
if(data.jitter_seconds !== undefined){
let data17 = data.jitter_seconds;
if((!((typeof data17 == "number") && (isFinite(data17)))) && (data17 !== null)){
const err33 = {instancePath:instancePath+"/jitter_seconds",schemaPath:"#/properties/jitter_seconds/type",keyword:"type",params:{type: schema12.properties.jitter_seconds.type},message:"must be number,null",schema:schema12.properties.jitter_seconds.type,parentSchema:schema12.properties.jitter_seconds,data:data17};
if(vErrors === null){
vErrors = [err33];
}
else {
vErrors.push(err33);
}
errors++;
}
if((typeof data17 == "number") && (isFinite(data17))){
if(data17 > 3155760000 || isNaN(data17)){
const err34 = {instancePath:instancePath+"/jitter_seconds",schemaPath:"#/properties/jitter_seconds/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3155760000},message:"must be <= 3155760000",schema:3155760000,parentSchema:schema12.properties.jitter_seconds,data:data17};
if(vErrors === null){
vErrors = [err34];
}
else {
vErrors.push(err34);
}
errors++;
}
if(data17 < 0 || isNaN(data17)){
const err35 = {instancePath:instancePath+"/jitter_seconds",schemaPath:"#/properties/jitter_seconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema12.properties.jitter_seconds,data:data17};
if(vErrors === null){
vErrors = [err35];
}
else {
vErrors.push(err35);
}
errors++;
}
}
}
if(data.run_on_start !== undefined){
let data18 = data.run_on_start;
if((typeof data18 !== "boolean") && (data18 !== null)){
const err36 = {instancePath:instancePath+"/run_on_start",schemaPath:"#/properties/run_on_start/type",keyword:"type",params:{type: schema12.properties.run_on_start.type},message:"must be boolean,null",schema:schema12.properties.run_on_start.type,parentSchema:schema12.properties.run_on_start,data:data18};
if(vErrors === null){
vErrors = [err36];
}
else {
vErrors.push(err36);
}
errors++;
}
}
if(data.start_at !== undefined){
let data19 = data.start_at;
if((typeof data19 !== "string") && (data19 !== null)){
const err37 = {instancePath:instancePath+"/start_at",schemaPath:"#/properties/start_at/type",keyword:"type",params:{type: schema12.properties.start_at.type},message:"must be string,null",schema:schema12.properties.start_at.type,parentSchema:schema12.properties.start_at,data:data19};
if(vErrors === null){
vErrors = [err37];
}
else {
vErrors.push(err37);
}
errors++;
}
}
if(data.end_at !== undefined){
let data20 = data.end_at;
if((typeof data20 !== "string") && (data20 !== null)){
const err38 = {instancePath:instancePath+"/end_at",schemaPath:"#/properties/end_at/type",keyword:"type",params:{type: schema12.properties.end_at.type},message:"must be string,null",schema:schema12.properties.end_at.type,parentSchema:schema12.properties.end_at,data:data20};
if(vErrors === null){
vErrors = [err38];
}
else {
vErrors.push(err38);
}
errors++;
}
}
if(data.misfire_grace_seconds !== undefined){
let data21 = data.misfire_grace_seconds;
if((!((typeof data21 == "number") && (isFinite(data21)))) && (data21 !== null)){
const err39 = {instancePath:instancePath+"/misfire_grace_seconds",schemaPath:"#/properties/misfire_grace_seconds/type",keyword:"type",params:{type: schema12.properties.misfire_grace_seconds.type},message:"must be number,null",schema:schema12.properties.misfire_grace_seconds.type,parentSchema:schema12.properties.misfire_grace_seconds,data:data21};
if(vErrors === null){
vErrors = [err39];
}
else {
vErrors.push(err39);
}
errors++;
}
if((typeof data21 == "number") && (isFinite(data21))){
if(data21 < 0 || isNaN(data21)){
const err40 = {instancePath:instancePath+"/misfire_grace_seconds",schemaPath:"#/properties/misfire_grace_seconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0",schema:0,parentSchema:schema12.properties.misfire_grace_seconds,data:data21};
if(vErrors === null){
vErrors = [err40];
}
else {
vErrors.push(err40);
}
errors++;
}
}
}
if(data.catch_up !== undefined){
let data22 = data.catch_up;
if(!((((data22 === "none") || (data22 === "one")) || (data22 === "all")) || (data22 === null))){
const err41 = {instancePath:instancePath+"/catch_up",schemaPath:"#/properties/catch_up/enum",keyword:"enum",params:{allowedValues: schema12.properties.catch_up.enum},message:"must be equal to one of the allowed values",schema:schema12.properties.catch_up.enum,parentSchema:schema12.properties.catch_up,data:data22};
if(vErrors === null){
vErrors = [err41];
}
else {
vErrors.push(err41);
}
errors++;
}
}
}
else {
const err42 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object",schema:schema12.type,parentSchema:schema12,data};
if(vErrors === null){
vErrors = [err42];
}
else {
vErrors.push(err42);
}
errors++;
}
validate11.errors = vErrors;
return errors === 0;
}

